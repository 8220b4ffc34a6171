"""Processes: start and stop, cores, CPU time, memory. Linux only, through proc(5)."""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time
from typing import Callable, Iterator, NamedTuple, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")


class Cores(NamedTuple):
    """Where things run: the server alone on one core, everything else on the other."""

    server: int
    client: int


class CpuTime(NamedTuple):
    """Of a process and its children, in seconds since they were started."""

    total: float
    user: float
    system: float


class Failure(Exception):
    """A server or a load did not do what it was asked to."""


def raise_file_limit() -> int:
    """Lets this process and those it starts open as many files as they may; how many that is."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command: Sequence[str], core: int, **options) -> subprocess.Popen:
    """Starts a program on one core, in a process group of its own."""
    program = os.path.abspath(command[0]) if "/" in command[0] else command[0]
    return subprocess.Popen(
        [program, *command[1:]],
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        start_new_session=True,
        **options,
    )


def stop(process: subprocess.Popen) -> None:
    """Ends a program and what it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)
            break
    # A master that is gone may have left workers in its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def connects(port: int) -> bool:
    """Whether somebody listens."""
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    return False


def answers_datagram(query: bytes) -> Callable[[int], bool]:
    """A check whether somebody answers `query` over UDP."""

    def check(port: int) -> bool:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            probe.connect(("127.0.0.1", port))
            with contextlib.suppress(OSError):
                probe.send(query)
                return len(probe.recv(4096)) > 0
        return False

    return check


def wait_until_ready(
    process, port: int, log: pathlib.Path, ready: Callable[[int], bool], seconds: float
) -> None:
    """Returns when `ready(port)`. Fails with what the program has said."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if ready(port):
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    said = log.read_text(errors="replace")[-500:]
    raise Failure(f"{process.args[0]} does not serve port {port}: {said}")


def tree(pid: int) -> list[int]:
    """`pid` and its descendants."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(_stat(entry)[1])
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found


def cpu_time(pids: Sequence[int]) -> CpuTime:
    """The total to the nanosecond; its parts are as exact as the kernel's accounting."""
    total = user = system = 0.0
    for pid in pids:
        process = pathlib.Path("/proc", str(pid))
        with contextlib.suppress(OSError):
            fields = _stat(process)
            user += int(fields[11]) / _TICKS
            system += int(fields[12]) / _TICKS
            for task in (process / "task").iterdir():
                total += int((task / "schedstat").read_text().split()[0]) / 1e9
    return CpuTime(total or user + system, user, system)


def busy_seconds(core: int) -> float:
    """What all processes and interrupts together have used of a core, idle time apart."""
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        fields = line.split()
        if fields[0] == f"cpu{core}":
            user, nice, system, _, _, irq, softirq, steal = map(int, fields[1:9])
            return (user + nice + system + irq + softirq + steal) / _TICKS
    raise Failure(f"/proc/stat has no core {core}")


def anonymous_bytes(pids: Sequence[int]) -> int:
    """Heap, stacks and whatever else belongs to no file."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                total += int(line.split()[1]) * 1024
    return total


def slab_bytes() -> int:
    """The kernel's memory for small objects, of the whole machine."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1]) * 1024
    raise Failure("/proc/meminfo has no Slab")


@contextlib.contextmanager
def running(
    command: Sequence[str],
    core: int,
    port: int,
    folder: pathlib.Path,
    ready: Callable[[int], bool] = connects,
    seconds: float = 10,
) -> Iterator[subprocess.Popen]:
    """A server that is ready, within `seconds`, until the end of the block."""
    log = folder / "log"
    with log.open("wb") as output:
        process = start(command, core, cwd=folder, stdout=output, stderr=output)
    try:
        wait_until_ready(process, port, log, ready, seconds)
        yield process
    finally:
        stop(process)


def _stat(process: pathlib.Path) -> list[str]:
    """The fields behind the name: state, parent and so on."""
    return (process / "stat").read_text().rpartition(")")[2].split()
