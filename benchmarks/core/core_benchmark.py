"""Timers, wake-ups, messages and dispatch beside libraries: see benchmarks/README.md.

Each row runs for everybody in one process, in one order or, in every second round, the other.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple, Sequence

from benchmarks.driver import measure, peers, plot, report, system
from benchmarks.driver.estimate import Estimate, estimate, ratios

_LINK = "benchmarks/core/libraries.link"
_DISPATCH = "core/composer/dispatch_benchmark"
# Who takes part besides ours: a header, a library to link, a package.
_LIBRARIES = {
    "libev": ("ev.h", "ev", "libev-dev"),
    "libuv": ("uv.h", "uv", "libuv1-dev"),
    "asio": ("asio.hpp", "pthread", "libasio-dev"),
}


class Goal(NamedTuple):
    """At most `at_most` times what `reference` needs, or at most so much by itself."""

    at_most: float
    reference: str = ""


class Row(NamedTuple):
    name: str
    program: str
    benchmark: str  # operation/argument, or what dispatch_benchmark calls it.
    unit: str
    about: str
    goal: Goal | None = None


def rows() -> list[Row]:
    result = []
    goals = {
        ("rearm", 100_000): Goal(0.3, "libev"),
        ("expire", 1_000_000): Goal(0.7, "libev"),
    }
    abouts = {
        "arm_cancel": "one more timer armed and cancelled",
        "rearm": "a new deadline a minute ahead",
        "expire": "all are due at once, each",
        "fill": "armed from none, each",
    }
    counts = {
        "arm_cancel": (1000, 100_000),
        "rearm": (1000, 100_000),
        "expire": (100_000, 1_000_000),
        "fill": (1000, 1_000_000),
    }
    for operation, about in abouts.items():
        for count in counts[operation]:
            name = f"{operation}/{count}"
            goal = goals.get((operation, count))
            result.append(Row(name, "timers", name, "ns", f"{about}; {count:,} timers", goal))
    result.append(
        Row("bytes", "timers", "fill/1000000", "bytes", "memory of a timer", Goal(48))
    )
    result += [
        Row("wake", "wakeups", "wake/1", "ns", "wake a machine, which takes the wakes"),
        Row("notify", "wakeups", "notify/1", "ns", "say there is a message", Goal(1.0, "libuv")),
        Row("message/1", "wakeups", "message/1", "ns", "one producer", Goal(0.6, "libuv")),
        Row("message/2", "wakeups", "message/2", "ns", "two producers"),
        Row("dispatch", _DISPATCH, "Shuffled<Eight>/256", "ns", "8 kinds, any order", Goal(5)),
        Row("dispatch-in-order", _DISPATCH, "OneByOne<Eight>/256", "ns", "8 kinds, kind by kind"),
    ]
    return result


class Programs:
    """The programs that measure, compiled with the libraries that are there."""

    def __init__(self, only: Sequence[str], folder: pathlib.Path):
        self.left_out = {}
        self._folder = folder
        self._libraries = []
        for name, (header, library, package) in _LIBRARIES.items():
            # The programs include what is there, whether or not it is asked for.
            if not peers.missing_header([header]):
                self._libraries.append(library)
            elif name in only:
                self.left_out[name] = f"no header {header} (apt install {package})"
        for program in ("timers", "wakeups"):
            self._compile(program)

    def run(self, row: Row, seconds: float, reverse: bool) -> dict[str, float]:
        """What each takes for one of `row`."""
        own = row.program == _DISPATCH
        program = os.path.abspath(row.program) if own else str(self._folder / row.program)
        command = [
            program,
            "--benchmark_format=json",
            f"--benchmark_min_time={seconds}",
            f"--benchmark_filter={_filter(row, own)}",
        ]
        command += ["--reverse"] if reverse and not own else []
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise system.Failure(f"{program}: {result.stderr[-1000:]}")
        return figures(row, json.loads(result.stdout)["benchmarks"])

    def _compile(self, program: str) -> None:
        print(f"compiling benchmarks/core/{program}.cc", flush=True)
        # As Bazel compiles ours: these programs contain the headers' part of it.
        flags = pathlib.Path(measure.FLAG_FILES["ours"]).read_text().split()
        output = str(self._folder / program)
        command = ["g++", "-std=c++20", *flags, "-I.", "-o", output]
        command += [f"benchmarks/core/{program}.cc", "-Wl,--start-group", "@" + _LINK]
        command += ["-Wl,--end-group", *(f"-l{library}" for library in self._libraries)]
        result = subprocess.run(command + ["-lpthread"], text=True, capture_output=True)
        if result.returncode != 0:
            raise system.Failure(f"{program}.cc does not compile: {result.stderr[:2000]}")


def _filter(row: Row, own: bool) -> str:
    if own:
        return f"^{row.benchmark}$"
    operation, argument = row.benchmark.split("/")
    # The yardstick of waking is a benchmark of its own.
    operation = "(wake|exchange)" if operation == "wake" else operation
    return f"^{operation}/[a-z]+/{argument}(/|$)"


def figures(row: Row, results: Sequence[dict]) -> dict[str, float]:
    """By who: `bytes`, or the time of the clock that the benchmark's name tells."""
    found = {}
    for result in results:
        name = result["name"]
        who = "ours" if row.program == _DISPATCH else name.split("/")[1]
        clock = "real_time" if name.endswith("_time") else "cpu_time"
        found[who] = result["bytes" if row.unit == "bytes" else clock]
    return found


# samples[row][who]: one entry per round.
Samples = dict[str, dict[str, list[float]]]


def take(programs: Programs, wanted: Sequence[Row], only: Sequence[str], chosen) -> Samples:
    samples: Samples = {row.name: {} for row in wanted}
    for number in range(chosen.rounds):
        backwards = number % 2 == 1
        for row in reversed(wanted) if backwards else wanted:
            measured = programs.run(row, chosen.seconds / 10, backwards)
            print(f"{number + 1}/{chosen.rounds} {row.name:20} {measured}", flush=True)
            for who, value in measured.items():
                if who in only:
                    samples[row.name].setdefault(who, []).append(value)
    return samples


def over(samples: Samples, row: Row, above: str, below: str) -> Estimate | None:
    sides = samples[row.name].get(above), samples[row.name].get(below)
    return estimate(ratios(*sides)) if all(sides) else None


def table(wanted: Sequence[Row], samples: Samples) -> str:
    everybody = ("ours", "bare", *_LIBRARIES)
    names = [name for name in everybody if any(name in samples[row.name] for row in wanted)]
    head = ["row", "", *names]
    lines = []
    for row in wanted:
        measured = samples[row.name]
        cells = [report.interval(estimate(measured[n])) if n in measured else "-" for n in names]
        lines.append([row.name, f"{row.about}, {row.unit}", *cells])
    return report.table(head, lines)


def verdicts(wanted: Sequence[Row], samples: Samples) -> str:
    text = ""
    for row in wanted:
        if row.goal and (verdict := _verdict(row, samples)):
            text += report.item(verdict)
        for who in _LIBRARIES:
            result = over(samples, row, "ours", who)
            if result and (what := report.loss(result)):
                shown = report.interval(result, report.ratio)
                text += report.item(f"{what}: {row.name}: {who} is ahead: ours ÷ {who} {shown}")
    return text


def _verdict(row: Row, samples: Samples) -> str:
    goal = row.goal
    if goal.reference:
        result = over(samples, row, "ours", goal.reference)
        met = result and report.goal_is_met(result, goal.at_most)
        what = f"ours ÷ {goal.reference} ≤ {goal.at_most}"
        form = report.ratio
    else:
        result = estimate(samples[row.name]["ours"]) if "ours" in samples[row.name] else None
        met = result and result.high <= goal.at_most + 0.02
        what = f"ours ≤ {goal.at_most} {row.unit}"
        form = report.number
    if result is None:
        return ""
    shown = report.interval(result, form)
    return f"goal {'met' if met else '**missed**'}: {row.name}: {what}: {shown}"


def picture(wanted: Sequence[Row], samples: Samples) -> str:
    panels = []
    for row in wanted:
        bars = [
            plot.Bar(who, estimate(some), {"ours": "ours", "bare": "reference"}.get(who, "peer"))
            for who, some in samples[row.name].items()
        ]
        panels.append(plot.Panel(f"{row.name}: {row.about}", row.unit, bars))
    return plot.plot("benchmarks/core: less is better", panels)


def main() -> int:
    about = (
        "Parts of the loop beside libraries, in one process each: `rearm` and the like by CPU time "
        "of the thread; `notify` and `message` by the clock, the consumer asleep in its loop on "
        "one core and the producers on the other. libuv's messages lie in a vector under a mutex, "
        "as is usual beside uv_async_send. `bare` is one atomic exchange on a word that nobody "
        "else wants."
    )
    everything = rows()
    who = ["ours", "bare", *_LIBRARIES]
    chosen = measure.arguments("core", about, who, [row.name for row in everything])
    wanted = [row for row in everything if row.name in chosen.loads]
    os.sched_setaffinity(0, set(chosen.cores))
    try:
        with tempfile.TemporaryDirectory() as folder:
            programs = Programs(chosen.only, pathlib.Path(folder))
            samples = take(programs, wanted, chosen.only, chosen)
    except system.Failure as failure:
        print(f"benchmarks/core: {failure}", file=sys.stderr)
        return 1
    text = report.paragraph(about) + report.paragraph(measure.circumstances(chosen))
    if programs.left_out:
        words = (f"{name}: {why}" for name, why in programs.left_out.items())
        text += report.paragraph("Left out: " + "; ".join(words) + ".")
    text += table(wanted, samples) + "\n" + verdicts(wanted, samples)
    measure.write("core", text, picture(wanted, samples), samples, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
