"""User-space instructions per request of our servers, counted by Callgrind, and where they go.

Unlike times these are exact: the same on a busy machine. A server runs some fifty times slower
under Callgrind, so the figures say nothing about sleeping, queues or the kernel.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple, Sequence

from benchmarks.dns import dns_benchmark
from benchmarks.driver import measure, peers, plot, report, system
from benchmarks.driver.estimate import estimate
from benchmarks.driver.scenario import Server, load_command
from benchmarks.echo import echo_benchmark
from benchmarks.http import http_benchmark

_FUNCTIONS = 12


class Load(NamedTuple):
    name: str
    server: Server
    flags: Sequence[str]


class Count(NamedTuple):
    """What one run came to."""

    instructions: float  # Per request.
    functions: list[tuple[str, float]]  # By name, its own instructions per request.


def loads() -> list[Load]:
    http, echo, dns = (
        module.servers()[0] for module in (http_benchmark, echo_benchmark, dns_benchmark)
    )
    piece = "--depth=16"
    return [
        Load("http-one-field", http, []),
        Load("http-browser", http, ["--requests=http-browser"]),
        Load("http-mixed", http, ["--requests=http-mixed"]),
        Load("http-pipelined", http, [piece]),
        Load("http-mixed-pipelined", http, ["--requests=http-mixed", piece]),
        Load("http-close", http, ["--per_request"]),
        Load("echo", echo, ["--requests=line"]),
        Load("dns-udp", dns, ["--requests=dns-udp", "--connections=4", "--depth=25"]),
        Load("dns-tcp", dns, ["--requests=dns", "--connections=10", "--depth=10"]),
    ]


def count(load: Load, seconds: float, cores: system.Cores) -> Count:
    """Runs the load once; only what happens between its start and its end is counted."""
    port = system.free_port()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        program, *flags = load.server.command(port, folder)
        output = folder / "callgrind.out"
        command = [peers.program("valgrind"), "--tool=callgrind", "--instr-atstart=no"]
        command += [f"--callgrind-out-file={output}", os.path.abspath(program), *flags]
        server = stack.enter_context(
            system.running(command, cores.server, port, folder, load.server.ready, seconds=60)
        )
        client = system.start(
            load_command(port, seconds, *load.flags),
            cores.client,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(system.stop, client)
        if client.stdout.readline().strip() != "ready":
            raise system.Failure(f"{load.name}: {client.stderr.read().strip()}")
        _control("--instr=on", server.pid)
        client.stdin.write("go\n")
        client.stdin.flush()
        line = client.stdout.readline()
        if not line:
            raise system.Failure(f"{load.name}: {client.stderr.read().strip()}")
        _control("--instr=off", server.pid)
        _control("--dump", server.pid)
        annotated = subprocess.run(
            ["callgrind_annotate", "--threshold=90", f"{output}.1"], capture_output=True, text=True
        )
        if annotated.returncode != 0:
            raise system.Failure(f"callgrind_annotate: {annotated.stderr}")
        return parse_annotation(annotated.stdout, json.loads(line)["requests"])


def _control(what: str, pid: int) -> None:
    result = subprocess.run(["callgrind_control", what, str(pid)], capture_output=True, text=True)
    if result.returncode != 0:
        raise system.Failure(f"callgrind_control {what}: {result.stderr or result.stdout}")


def parse_annotation(text: str, requests: int) -> Count:
    """The total and the functions in which most instructions are, per request."""
    total = None
    functions = []
    for line in text.splitlines():
        found = re.match(r"\s*([\d,]+) \([\d. ]+%\)\s+(.*)", line)
        if not found:
            continue
        instructions = int(found.group(1).replace(",", "")) / requests
        if found.group(2).startswith("PROGRAM TOTALS"):
            total = instructions
        else:
            # file:function [object]
            function = re.sub(r"^\S*?:(?!:)|\s+\[[^]]*\]$", "", found.group(2))
            functions.append((function, instructions))
    if total is None:
        raise system.Failure(f"callgrind_annotate said: {text[:500]}")
    return Count(total, functions[:_FUNCTIONS])


def details(name: str, counted: Count) -> str:
    """A table of functions."""
    rows = [
        [f"`{_short(function)}`", f"{own:,.0f}", f"{own / counted.instructions:.0%}"]
        for function, own in counted.functions
    ]
    return f"### {name}\n\n" + report.table(["function", "instructions", "share"], rows) + "\n"


def _short(function: str) -> str:
    """Without its arguments, and cut where templates make it long."""
    name = function.replace("(anonymous namespace)::", "")
    name = re.sub(r"\(.*", "", name).replace("|", "\\|")
    return name if len(name) <= 80 else name[:77] + "..."


def main() -> int:
    about = (
        "User-space instructions per request of ours, by Callgrind: exact, whatever else the "
        "machine does. 64 connections unless the load says otherwise."
    )
    everything = loads()
    chosen = measure.arguments("instructions", about, ["ours"], [load.name for load in everything])
    os.sched_setaffinity(0, {chosen.cores.client})
    wanted = [load for load in everything if load.name in chosen.loads]
    if not all(peers.program(name) for name in ("valgrind", "callgrind_control")):
        print("this needs Callgrind: apt install valgrind", file=sys.stderr)
        return 1
    counts = {}
    try:
        for load in wanted:
            counts[load.name] = count(load, chosen.seconds, chosen.cores)
            print(f"{load.name:22} {counts[load.name].instructions:10,.0f}", flush=True)
    except system.Failure as failure:
        print(f"benchmarks/instructions: {failure}", file=sys.stderr)
        return 1
    rows = [[name, f"{counted.instructions:,.0f}"] for name, counted in counts.items()]
    text = report.paragraph(about) + report.paragraph(measure.circumstances(chosen))
    text += report.table(["load", "instructions per request"], rows) + "\n"
    text += "".join(details(name, counted) for name, counted in counts.items())
    bars = [plot.Bar(n, estimate([c.instructions]), "ours") for n, c in counts.items()]
    picture = plot.plot("benchmarks/instructions", [plot.Panel("ours", "per request", bars)])
    measure.write("instructions", text, picture, counts, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
