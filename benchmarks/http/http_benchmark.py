"""hello_http beside a null server and peers: see benchmarks/README.md."""

import sys

from benchmarks.driver import measure, peers, system
from benchmarks.driver.scenario import Goal, Load, Server, load_command, parse_wrk, wrk_command
from benchmarks.http.http_peers import http_peers

_HELLO_HTTP = "examples/hello_http/hello_http"
_NULL = "benchmarks/null/null_server"
_POLLING_MICROSECONDS = 50
_MANY = 18_000
# Descriptors that a server needs besides its connections.
_SPARE_FILES = 500


def _single(load: Load) -> bool:
    return "one connection" in load.tags


def _short(load: Load) -> bool:
    return "close" in load.tags


def _keeps_alive(load: Load) -> bool:
    return not _short(load)


def servers() -> list[Server]:
    return [
        Server(
            "ours",
            lambda port, _: [_HELLO_HTTP, f"--port={port}"],
            kind="ours",
        ),
        Server(
            "ours-polling",
            lambda port, _: [
                _HELLO_HTTP,
                f"--port={port}",
                f"--busy_poll={_POLLING_MICROSECONDS}us",
            ],
            kind="ours",
            loads=_single,
        ),
        Server(
            "null",
            lambda port, _: [_NULL, f"--port={port}"],
            kind="reference",
            loads=_keeps_alive,
        ),
        Server(
            "null-close",
            lambda port, _: [_NULL, f"--port={port}", "--close"],
            kind="reference",
            loads=_short,
        ),
        Server(
            "null-polling",
            lambda port, _: [
                _NULL,
                f"--port={port}",
                f"--poll_microseconds={_POLLING_MICROSECONDS}",
            ],
            kind="reference",
            loads=_single,
        ),
    ] + http_peers()


def _load(name: str, title: str, *flags: str, **more) -> Load:
    return Load(name, title, lambda port, seconds: load_command(port, seconds, *flags), **more)


def _at_most(limit: float, metric: str = "cpu", reference: str = "null", server: str = "ours"):
    return [Goal(server, metric, reference, limit)]


def loads() -> list[Load]:
    pipelined = frozenset(["pipelined"])
    result = [
        _load(
            f"one-field-{count}",
            f"GET / with one field, {count:,} connections",
            f"--connections={count}",
            goals=_at_most(1.08),
        )
        for count in (64, 256, 1000)
    ]
    if system.raise_file_limit() >= _MANY + _SPARE_FILES:
        result.append(
            _load(
                f"one-field-{_MANY}",
                f"GET / with one field, {_MANY:,} connections",
                f"--connections={_MANY}",
                tags=frozenset(["many"]),
            )
        )
    result += [
        _load(
            "browser",
            "the 12 fields of a browser, 256 connections",
            "--requests=http-browser",
            "--connections=256",
            goals=_at_most(1.12),
        ),
        _load(
            "mixed",
            "1,024 different requests, 256 connections",
            "--requests=http-mixed",
            "--connections=256",
            goals=_at_most(1.15),
        ),
        _load(
            "pipelined",
            "one field, 16 requests in a piece, 256 connections",
            "--connections=256",
            "--depth=16",
            tags=pipelined,
            goals=_at_most(1.5),
        ),
        _load(
            "mixed-pipelined",
            "different requests, 16 in a piece, 256 connections",
            "--requests=http-mixed",
            "--connections=256",
            "--depth=16",
            tags=pipelined,
            goals=_at_most(1.9),
        ),
        _load(
            "close",
            "a connection per request, 64 at a time",
            "--connections=64",
            "--per_request",
            tags=frozenset(["close"]),
            reference="null-close",
            goals=_at_most(1.10, reference="null-close"),
        ),
        _load(
            "single",
            "one connection, one request at a time",
            "--connections=1",
            tags=frozenset(["one connection"]),
            metric="p50",
            goals=_at_most(1.05, "p50")
            + _at_most(1.15, "p50", reference="null-polling", server="ours-polling"),
        ),
        _load(
            "half",
            "half of saturation by a fixed schedule, 256 connections",
            "--connections=256",
            metric="p99",
            half_of="one-field-256",
            goals=_at_most(1.10, "p99"),
        ),
    ]
    if peers.program("wrk"):
        title = "wrk -t2 -c 400 http://127.0.0.1/"
        result.insert(0, Load("wrk", title, wrk_command, parse=parse_wrk, part="wrk"))
    return result


def main() -> int:
    about = (
        "HTTP/1.1: every server answers `GET /` with `Hello, World!`, in one thread. `null` is the "
        "null server: what the kernel alone costs."
    )
    return measure.run("http", about, servers(), loads())


if __name__ == "__main__":
    sys.exit(main())
