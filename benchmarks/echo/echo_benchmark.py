"""line_echo beside a null server and peers: see benchmarks/README.md."""

import sys

from benchmarks.driver import measure
from benchmarks.driver.scenario import Goal, Load, Server, load_command

_LINE_ECHO = "examples/line_echo/line_echo"
_NULL = "benchmarks/null/null_server"


def _peer(name: str, headers, libraries, package) -> Server:
    return Server(
        name,
        lambda port, _: [str(port)],
        source=f"benchmarks/peers/echo_{name}.cc",
        headers=headers,
        libraries=libraries,
        package=package,
    )


def servers() -> list[Server]:
    return [
        Server("ours", lambda port, _: [_LINE_ECHO, f"--port={port}"], kind="ours"),
        Server("null", lambda port, _: [_NULL, f"--port={port}", "--echo"], kind="reference"),
        _peer("libuv", ["uv.h"], ["uv"], "libuv1-dev"),
        _peer("libevent", ["event2/listener.h"], ["event"], "libevent-dev"),
        _peer("asio", ["asio.hpp"], ["pthread"], "libasio-dev"),
    ]


def _ping_pong(connections: int) -> Load:
    flags = ["--requests=line", f"--connections={connections}"]
    title = f"a line of 64 bytes there and back, {connections:,} connections"
    return Load(
        f"ping-pong-{connections}",
        title,
        lambda port, seconds: load_command(port, seconds, *flags),
        goals=[Goal("ours", "cpu", "null", 1.08)],
    )


def loads() -> list[Load]:
    single = _ping_pong(1)
    single.title = "one connection, a line of 64 bytes there and back"
    single.metric = "p50"
    single.goals = [Goal("ours", "p50", "null", 1.05)]
    return [single] + [_ping_pong(connections) for connections in (64, 1000)]


def main() -> int:
    about = (
        "Line echo: `examples/line_echo` finds the end of each line, limits and times it. `null` "
        "and libuv send back what came without looking at it."
    )
    return measure.run("echo", about, servers(), loads())


if __name__ == "__main__":
    sys.exit(main())
