"""Servers under loads in alternating rounds: the method of every scenario over sockets.

A round runs each load on each server, back to back, and every second round goes backwards. Each
sample has a server process of its own, alone on one core, and a client on the other. Ratios are
formed within a round.
"""

import contextlib
import dataclasses
import json
import math
import pathlib
import re
import subprocess
import tempfile
from typing import Callable, Sequence

from benchmarks.driver import peers, system
from benchmarks.driver.system import Cores, Failure

LOAD = "benchmarks/load/load"
METRICS = {
    "cpu": "server CPU µs per request",
    "p50": "p50 in µs",
    "p99": "p99 in µs",
}


@dataclasses.dataclass
class Server:
    """A program to measure. `command(port, folder)` may write configuration into `folder`."""

    name: str
    command: Callable[[int, pathlib.Path], Sequence[str]]
    kind: str = "peer"  # ours, reference or peer
    package: str = ""  # What to install when it is missing.
    program: str = ""  # Needed.
    headers: Sequence[str] = ()  # Needed to compile `source`, which becomes argument 0.
    source: str = ""
    libraries: Sequence[str] = ()
    left_out: str = ""  # Why it cannot run at all.
    by_default: bool = True  # Or only if --only names it.
    loads: Callable[["Load"], bool] = lambda load: True
    ready: Callable[[int], bool] = system.connects


@dataclasses.dataclass
class Goal:
    """Says that `server` needs at most `at_most` times what `reference` does."""

    server: str
    metric: str
    reference: str
    at_most: float


@dataclasses.dataclass
class Load:
    """What a client does. `command(port, seconds)` is a program that speaks load_main.cc's way, or,
    with `parse`, any that runs for so long and says what came of it.
    """

    name: str
    title: str
    command: Callable[[int, float], Sequence[str]]
    reference: str = "null"
    metric: str = "cpu"  # What decides who is ahead.
    tags: frozenset = frozenset()
    goals: Sequence[Goal] = ()
    parse: Callable[[str], dict] | None = None
    part: str = ""  # The marked part of the README that shows it, if not that of its command.
    half_of: str = ""  # A load whose rate, halved, is this one's: see Runner.calibrate.
    rate: float = 0


@dataclasses.dataclass
class Sample:
    """One load on one server, once."""

    cpu: float  # Microseconds of the server per request.
    user: float  # The part of it outside the kernel.
    rate: float  # Requests per second.
    p50: float
    p99: float
    client_cpu: float  # Share of the client's core that it has used.
    foreign: float  # Share of both cores that somebody else has used.
    reconnects: int = 0  # Connections that the server ended in order, made anew.


def load_command(port: int, seconds: float, *flags: str) -> list[str]:
    warmup = min(0.2, seconds / 2)
    return [LOAD, f"--port={port}", f"--seconds={seconds}", f"--warmup={warmup}", *flags]


def wrk_command(port: int, seconds: float) -> list[str]:
    length = f"-d{max(1, round(seconds))}s"
    program = peers.program("wrk") or "wrk"
    return [program, "-t2", "-c", "400", "--latency", length, f"http://127.0.0.1:{port}/"]


class Prepared:
    """The servers that can run here, compiled, and what is missing for the others."""

    def __init__(self, servers: Sequence[Server], folder: pathlib.Path):
        self.servers: list[Server] = []
        self.left_out: dict[str, str] = {}
        for server in servers:
            why = server.left_out or self._missing(server)
            if why:
                self.left_out[server.name] = why
                continue
            if server.source:
                print(f"compiling {server.source}", flush=True)
                program = peers.compile_peer(server.source, server.libraries, folder)
                server = dataclasses.replace(server, command=_with_program(program, server.command))
            self.servers.append(server)

    @staticmethod
    def _missing(server: Server) -> str:
        what = ""
        if server.program and not peers.program(server.program):
            what = f"no program {server.program}"
        elif server.headers and (header := peers.missing_header(server.headers)):
            what = f"no header {header}"
        return what and f"{what} (apt install {server.package})"


def _with_program(program: str, arguments: Callable) -> Callable:
    return lambda port, folder: [program, *arguments(port, folder)]


class Runner:
    """Takes samples."""

    def __init__(self, cores: Cores):
        self._cores = cores

    def sample(self, server: Server, load: Load, seconds: float) -> Sample:
        port = system.free_port()
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            # Some peers give up root's rights before they read their files.
            folder.chmod(0o755)
            command = server.command(port, folder)
            process = stack.enter_context(
                system.running(command, self._cores.server, port, folder, server.ready)
            )
            take = self._foreign_client if load.parse else self._load
            try:
                return take(process, load, port, seconds)
            except Failure as failure:
                raise Failure(f"{load.name} on {server.name}: {failure}") from None

    def calibrate(self, load: Load, saturating: Load, servers: Sequence[Server], seconds: float):
        """Sets the rate of an open loop: half of what the slowest of `servers` can do at most."""
        rates = [self.sample(server, saturating, seconds).rate for server in servers]
        load.rate = round(min(rates) / 2, -3) or 1000
        load.title += f", {load.rate:,.0f} requests/s"

    def _load(self, process, load: Load, port: int, seconds: float) -> Sample:
        command = list(load.command(port, seconds))
        if load.rate:
            command.append(f"--rate={load.rate}")
        client = system.start(
            command,
            self._cores.client,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            if client.stdout.readline().strip() != "ready":
                raise Failure(client.stderr.read().strip() or "the load did not start")
            window = _Window(process.pid, client.pid, self._cores)
            client.stdin.write("go\n")
            client.stdin.flush()
            line = client.stdout.readline()
            if not line:
                raise Failure(client.stderr.read().strip() or "the load ended early")
            result = json.loads(line)
            return window.close(result)
        finally:
            system.stop(client)

    def _foreign_client(self, process, load: Load, port: int, seconds: float) -> Sample:
        client = system.start(
            load.command(port, seconds),
            self._cores.client,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        window = _Window(process.pid, None, self._cores)
        output, _ = client.communicate()
        return window.close(load.parse(output))


class _Window:
    """The time in which a load runs."""

    def __init__(self, server: int, client: int | None, cores: Cores):
        self._server = server
        self._client = [client] if client else []
        self._cores = cores
        self._before = self._read()

    def _read(self):
        return (
            # A process that comes later counts from its start.
            system.cpu_time(system.tree(self._server)),
            system.cpu_time(self._client).total,
            sum(system.busy_seconds(core) for core in self._cores),
        )

    def close(self, result: dict) -> Sample:
        server, client, busy = self._read()
        server_before, client_before, busy_before = self._before
        requests = result["requests"]
        if requests == 0:
            raise Failure("not one request was answered")
        total = server.total - server_before.total
        user, system_part = server.user - server_before.user, server.system - server_before.system
        user_share = user / (user + system_part) if user + system_part else 0
        known = total + (client - client_before)
        seconds = requests / result["rate"]
        return Sample(
            cpu=total / requests * 1e6,
            user=total * user_share / requests * 1e6,
            rate=result["rate"],
            p50=result["p50"],
            p99=result["p99"],
            client_cpu=(client - client_before) / seconds,
            foreign=max(0.0, busy - busy_before - known) / (2 * seconds) if self._client else 0.0,
            reconnects=result.get("reconnects", 0),
        )


_WRK_UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}


def parse_wrk(output: str) -> dict:
    """The figures of `wrk --latency`, latencies in microseconds."""
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    tail = dict(re.findall(r"(50|99)%\s+([\d.]+(?:us|ms|s|m))", output))
    if not requests or not rate or len(tail) != 2:
        raise Failure(f"wrk said: {output}")
    if failed := re.search(r"Non-2xx.*|Socket errors.*", output):
        raise Failure(f"wrk said: {failed.group()}")

    def microseconds(text: str) -> float:
        value, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()
        return float(value) * _WRK_UNITS[unit]

    return {
        "requests": int(requests.group(1)),
        "rate": float(rate.group(1)),
        "p50": microseconds(tail["50"]),
        "p99": microseconds(tail["99"]),
    }


def dnsperf_command(queries: pathlib.Path, mode: str, connections: int):
    """Runs for a whole number of seconds, with 100 queries under way."""

    def command(port: int, seconds: float) -> list[str]:
        program = peers.program("dnsperf") or "dnsperf"
        where = ["-s", "127.0.0.1", "-p", str(port), "-m", mode, "-d", str(queries)]
        return [program, *where, "-q100", f"-c{connections}", f"-l{max(1, round(seconds))}"]

    return command


def parse_dnsperf(output: str) -> dict:
    """Its figures. It tells no quantiles."""
    completed = re.search(r"Queries completed:\s+(\d+)", output)
    lost = re.search(r"Queries lost:\s+(\d+)", output)
    rate = re.search(r"Queries per second:\s+([\d.]+)", output)
    if not completed or not rate or not lost:
        raise Failure(f"dnsperf said: {output[-500:]}")
    requests = int(completed.group(1))
    if int(lost.group(1)) * 1000 > requests or "NOERROR " not in output:
        raise Failure(f"dnsperf lost queries or got errors: {output[-500:]}")
    return {
        "requests": requests,
        "rate": float(rate.group(1)),
        "p50": math.nan,
        "p99": math.nan,
    }
