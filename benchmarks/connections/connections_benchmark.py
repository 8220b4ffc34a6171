"""What idle connections cost: memory of server and kernel, and the requests between them.

Sockets: every server holds as many keep-alive connections, each idle after a few requests. Its own
memory is the growth of what belongs to no file; the kernel's, that of all slabs, of both ends.
Simulated: ours alone, in memory, beyond what a process may open.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from benchmarks.driver import measure, peers, plot, report, system
from benchmarks.driver.estimate import estimate
from benchmarks.driver.scenario import LOAD, Prepared, Server
from benchmarks.http.http_peers import http_peers

_HELLO_HTTP = "examples/hello_http/hello_http"
_NULL = "benchmarks/null/null_server"
_SIMULATED = "benchmarks/connections/simulated"
_SOCKETS = (1000, 18_000)
_SIMULATED_COUNTS = (64, 1000, 18_000, 100_000)
# Descriptors that a server needs besides its connections.
_SPARE_FILES = 500


class Memory(NamedTuple):
    """Bytes per connection."""

    own: float
    kernel: float


class Cost(NamedTuple):
    """Of one of so many simulated connections, or machines."""

    own: float  # Bytes of a connection.
    request: float  # Nanoseconds of a request.
    call: float  # Nanoseconds of waking a machine that moves its deadline.


def servers() -> list[Server]:
    return [
        Server(
            "ours",
            lambda port, _: [_HELLO_HTTP, f"--port={port}"],
            kind="ours",
        ),
        Server("null", lambda port, _: [_NULL, f"--port={port}"], kind="reference"),
    ] + http_peers()


def sockets(server: Server, connections: int, cores: system.Cores) -> Memory:
    """Holds `connections` on a fresh server and looks at its memory."""
    port = system.free_port()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        command = server.command(port, folder)
        process = stack.enter_context(system.running(command, cores.server, port, folder))
        own, kernel = _settled(process.pid)
        client = system.start(
            [LOAD, f"--port={port}", f"--connections={connections}", "--warmup=0.5"],
            cores.client,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(system.stop, client)
        if client.stdout.readline().strip() != "ready":
            raise system.Failure(f"{server.name}: {client.stderr.read().strip()}")
        own_now, kernel_now = _settled(process.pid)
        return Memory((own_now - own) / connections, (kernel_now - kernel) / connections)


def _settled(pid: int) -> tuple[int, int]:
    """The server's memory and the kernel's, when what frees itself in a moment has done so."""
    time.sleep(0.5)
    return system.anonymous_bytes(system.tree(pid)), system.slab_bytes()


def simulated(connections: int, cores: system.Cores) -> Cost:
    """Ours, by the difference to connections that no machine of ours serves."""

    def run(*flags: str) -> dict:
        command = [os.path.abspath(_SIMULATED), f"--connections={connections}", *flags]
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {cores.server}),
        )
        if result.returncode != 0:
            raise system.Failure(f"{_SIMULATED}: {result.stderr[-1000:]}")
        return json.loads(result.stdout)

    served, held, woken = run(), run("--held"), run("--machines", "--requests=200000")
    return Cost(served["bytes"] - held["bytes"], served["nanoseconds"], woken["nanoseconds"])


def take(chosen, prepared: Prepared):
    """samples[load][server]: one entry per round."""
    samples, failures = {}, {}
    for number in range(chosen.rounds):
        for load in chosen.loads if number % 2 == 0 else reversed(chosen.loads):
            kind, _, count = load.partition("-")
            simulate = kind == "simulated"
            for server in prepared.servers:
                if simulate and server.kind != "ours" or (server.name, load) in failures:
                    continue
                try:
                    sample = (
                        simulated(int(count), chosen.cores)
                        if simulate
                        else sockets(server, int(count), chosen.cores)
                    )
                except system.Failure as failure:
                    print(f"failed: {failure}", flush=True)
                    failures[server.name, load] = str(failure)
                    samples.get(load, {}).pop(server.name, None)
                    continue
                samples.setdefault(load, {}).setdefault(server.name, []).append(sample)
                print(f"{number + 1}/{chosen.rounds} {load:16} {server.name:10} {sample}")
    return samples, failures


def tables(samples, prepared: Prepared) -> str:
    text = ""
    rows = []
    for server in prepared.servers:
        cells = [server.name]
        for count in _SOCKETS:
            some = samples.get(f"sockets-{count}", {}).get(server.name)
            for field in Memory._fields:
                values = [getattr(sample, field) for sample in some or []]
                cells.append(report.interval(estimate(values)) if values else "-")
        rows.append(cells)
    if any(load.startswith("sockets") for load in samples):
        head = ["bytes per idle connection"]
        head += [f"{c:,}: {field}" for c in _SOCKETS for field in ("server", "kernel")]
        text += report.table(head, rows) + "\n" + losses(samples, prepared)
    rows = []
    for count in _SIMULATED_COUNTS:
        some = samples.get(f"simulated-{count}", {}).get("ours")
        if some:
            fields = zip(*some)
            rows.append([f"{count:,}"] + [report.interval(estimate(f)) for f in fields])
    if rows:
        head = ["simulated", "a connection, bytes", "a request, ns of CPU"]
        head.append("a machine woken, ns of CPU")
        text += report.table(head, rows) + "\n"
        text += report.paragraph(
            "A request's time includes the simulated host's and network's, which is most of it "
            "and grows with the logarithm of the number of descriptors. A machine that is woken, "
            "without connection or network, moves its deadline: the loop's own bookkeeping. Who "
            "is next is drawn by chance, so that beyond the caches their misses are in it."
        )
    return text


def losses(samples, prepared: Prepared) -> str:
    """Where a server of the peers needs less memory of its own."""
    text = ""
    for load, servers_of_load in samples.items():
        for server in prepared.servers:
            some, ours = servers_of_load.get(server.name), servers_of_load.get("ours")
            if server.kind != "peer" or not some or not ours:
                continue
            it = estimate([sample.own for sample in some])
            us = estimate([sample.own for sample in ours])
            if it.median < us.median:
                text += report.item(
                    f"**loss**: {load}: {server.name} needs {report.interval(it)} bytes, ours "
                    f"{report.interval(us)}"
                )
    return text + ("\n" if text else "")


def picture(samples, prepared: Prepared) -> str:
    kinds = {server.name: server.kind for server in prepared.servers}
    panels = []
    for count in _SOCKETS:
        bars = [
            plot.Bar(name, estimate([sample.own for sample in some]), kinds[name])
            for name, some in samples.get(f"sockets-{count}", {}).items()
        ]
        if bars:
            panels.append(plot.Panel(f"{count:,} idle connections", "own bytes of each", bars))
    units = {
        "own": "bytes of a connection",
        "request": "ns of a request",
        "call": "ns of a machine woken",
    }
    for field, unit in units.items():
        bars = [
            plot.Bar(f"{count:,}", estimate([getattr(cost, field) for cost in some]), "ours")
            for count in _SIMULATED_COUNTS
            if (some := samples.get(f"simulated-{count}", {}).get("ours"))
        ]
        if bars:
            panels.append(plot.Panel("ours, simulated", unit, bars))
    return plot.plot("benchmarks/connections: less is better", panels)


def main() -> int:
    about = (
        "Idle keep-alive connections after a few requests each. `server`: growth of its anonymous "
        "memory since it was started, so at few connections that of its first buffers as well; "
        "`kernel`: growth of all slabs of the machine, the client's ends included. 20,000 "
        "descriptors are what a process may have here, hence 18,000 connections; more only in the "
        "simulator."
    )
    loads = [f"sockets-{count}" for count in _SOCKETS]
    loads += [f"simulated-{count}" for count in _SIMULATED_COUNTS]
    everybody = servers()
    by_default = [server.name for server in everybody if server.by_default]
    names = [server.name for server in everybody]
    chosen = measure.arguments("connections", about, names, loads, by_default)
    os.sched_setaffinity(0, {chosen.cores.client})
    most = system.raise_file_limit()
    if f"sockets-{_SOCKETS[-1]}" in chosen.loads and most < _SOCKETS[-1] + _SPARE_FILES:
        print(f"sockets-{_SOCKETS[-1]} needs more descriptors than {most}: ulimit -n")
        return 1
    wanted = [server for server in everybody if server.name in chosen.only]
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared = Prepared(wanted, pathlib.Path(folder))
            samples, failures = take(chosen, prepared)
    except system.Failure as failure:
        print(f"benchmarks/connections: {failure}", file=sys.stderr)
        return 1
    text = report.paragraph(about) + report.paragraph(measure.circumstances(chosen))
    if prepared.left_out:
        words = (f"{name}: {why}" for name, why in prepared.left_out.items())
        text += report.paragraph("Left out: " + "; ".join(words) + ".")
    for (_, load), why in failures.items():
        text += report.paragraph(f"**Failed**: {load}: {why}.")
    text += tables(samples, prepared)
    measure.write("connections", text, picture(samples, prepared), samples, chosen)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
