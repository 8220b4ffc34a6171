"""The command line of a scenario over sockets: rounds, report, plot."""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from typing import Sequence

from benchmarks.driver import plot, report, system
from benchmarks.driver.estimate import Estimate, estimate, ratios
from benchmarks.driver.peers import FLAGS
from benchmarks.driver.scenario import METRICS, Goal, Load, Prepared, Runner, Sample, Server

FLAG_FILES = {
    "ours": "benchmarks/flags.txt",
    "null server": "benchmarks/null/null_flags.txt",
}
# A sample in which others used more of the cores than this is counted as disturbed.
_FOREIGN_MAX = 0.03

# What a sample needs besides its seconds: start, connecting, warm-up, end.
_MORE_SECONDS = 0.4

# samples[load][server]: one entry per round.
Samples = dict[str, dict[str, list[Sample]]]


def arguments(
    name: str, about: str, servers: Sequence[str], loads: Sequence[str], by_default=None
):
    """The flags that every scenario has, parsed. Without --only, the servers `by_default` run."""
    by_default = list(servers) if by_default is None else by_default
    parser = argparse.ArgumentParser(prog=f"benchmarks/{name}", description=about)
    parser.add_argument("--rounds", type=int, default=9, help="default 9")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each sample; default 2")
    usual = "" if by_default == list(servers) else "; default " + ",".join(by_default)
    some = "some of: "
    parser.add_argument("--only", default="", help=some + ",".join(servers) + usual)
    parser.add_argument("--loads", default="", help=some + ",".join(loads))
    parser.add_argument(
        "--output",
        default=os.path.join(tempfile.gettempdir(), "rotor-benchmarks"),
        help=f"folder for {name}.md, {name}.svg and {name}.json; default %(default)s",
    )
    parser.add_argument("--readme", default="", help="a file whose marked part becomes the report")
    parser.add_argument("--cores", default="", help="of server and client, e.g. 0,1")
    chosen = parser.parse_args()
    if chosen.rounds < 1 or chosen.seconds <= 0:
        parser.error("--rounds and --seconds are above zero")
    chosen.only = _some_of(parser, "--only", chosen.only or ",".join(by_default), servers)
    chosen.loads = _some_of(parser, "--loads", chosen.loads, loads)
    chosen.cores = _cores(parser, chosen.cores)
    # Bazel starts programs elsewhere; paths are meant from where the user is.
    user_folder = os.environ.get("BUILD_WORKING_DIRECTORY", ".")
    chosen.output = pathlib.Path(user_folder, chosen.output)
    chosen.readme = pathlib.Path(user_folder, chosen.readme) if chosen.readme else None
    if chosen.readme:
        check_marks(chosen.readme, name)
    return chosen


def check_marks(readme: pathlib.Path, name: str) -> None:
    """Ends the program now, instead of when everything has been measured."""
    try:
        report.splice(readme.read_text(), name, "")
    except (OSError, ValueError) as error:
        sys.exit(f"--readme: {error}")


def _some_of(parser, flag: str, text: str, known: Sequence[str]) -> list[str]:
    wanted = [word for word in text.split(",") if word] or list(known)
    if unknown := [word for word in wanted if word not in known]:
        parser.error(f"{flag}: no {', '.join(unknown)}; there are {', '.join(known)}")
    return [word for word in known if word in wanted]


def _cores(parser, text: str) -> system.Cores:
    allowed = sorted(os.sched_getaffinity(0))
    try:
        wanted = [int(word) for word in text.split(",")] if text else allowed[:2]
    except ValueError:
        parser.error(f"--cores: '{text}' is not two numbers")
    if len(wanted) != 2 or wanted[0] == wanted[1] or not set(wanted) <= set(allowed):
        parser.error(f"two different cores are needed; these may be used: {allowed}")
    return system.Cores(*wanted)


def run(name: str, about: str, servers: Sequence[Server], loads: Sequence[Load]) -> int:
    """The whole command. Returns the exit code."""
    chosen = arguments(
        name,
        about,
        [server.name for server in servers],
        [load.name for load in loads],
        [server.name for server in servers if server.by_default],
    )
    for part in {load.part for load in loads if load.part and chosen.readme}:
        check_marks(chosen.readme, part)
    os.sched_setaffinity(0, {chosen.cores.client})
    wanted = [server for server in servers if server.name in chosen.only]
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared = Prepared(wanted, pathlib.Path(folder))
            for server, why in prepared.left_out.items():
                print(f"left out: {server}: {why}")
            runner = Runner(chosen.cores)
            wanted_loads = [load for load in loads if load.name in chosen.loads]
            _calibrate(runner, loads, wanted_loads, prepared.servers, chosen.seconds)
            samples, failures = _rounds(runner, prepared.servers, wanted_loads, chosen)
    except system.Failure as failure:
        print(f"benchmarks/{name}: {failure}", file=sys.stderr)
        return 1
    write_samples(name, samples, chosen)
    parts = {
        load.part: report.paragraph(circumstances(chosen, short=True))
        + load_report(load, prepared.servers, samples)
        for load in wanted_loads
        if load.part and samples.get(load.name)
    }
    text = report_of(about, chosen, prepared, wanted_loads, samples, failures)
    picture = plot_of(name, prepared.servers, wanted_loads, samples)
    write(name, text, picture, samples, chosen, parts)
    return 1 if failures else 0


def _calibrate(runner, loads, wanted, servers, seconds) -> None:
    for load in wanted:
        if load.half_of:
            saturating = next(other for other in loads if other.name == load.half_of)
            judged = [server for server in servers if server.kind in ("ours", "reference")]
            judged = [server for server in judged if server.loads(saturating)]
            runner.calibrate(load, saturating, judged or servers, seconds)


def _rounds(runner: Runner, servers, loads, chosen) -> tuple[Samples, list[str]]:
    """The samples, and what failed: it has none, and is not tried again."""
    pairs = [(load, server) for load in loads for server in servers if server.loads(load)]
    samples: Samples = {}
    failures = []
    minutes = chosen.rounds * len(pairs) * (chosen.seconds + _MORE_SECONDS) / 60
    print(f"{chosen.rounds} rounds of {len(pairs)} samples: {minutes:.0f} minutes", flush=True)
    for number in range(chosen.rounds):
        for load, server in list(pairs if number % 2 == 0 else reversed(pairs)):
            try:
                sample = runner.sample(server, load, chosen.seconds)
            except system.Failure as failure:
                print(f"failed: {failure}", flush=True)
                failures.append(str(failure))
                pairs.remove((load, server))
                samples.get(load.name, {}).pop(server.name, None)
                continue
            samples.setdefault(load.name, {}).setdefault(server.name, []).append(sample)
            _print_sample(f"{number + 1}/{chosen.rounds}", load, server, sample)
    return samples, failures


def _print_sample(round_of: str, load: Load, server: Server, sample: Sample) -> None:
    print(
        f"{round_of} {load.name:16} {server.name:13} {sample.cpu:8.3f} us "
        f"{sample.rate:12,.0f}/s p50 {sample.p50:9.1f} p99 {sample.p99:9.1f} "
        f"client {sample.client_cpu:.0%} others {sample.foreign:.0%}",
        flush=True,
    )


def values(samples: Samples, load: str, server: str, metric: str) -> list[float]:
    return [getattr(sample, metric) for sample in samples[load][server]]


def quotient(samples: Samples, load: str, metric: str, above: str, below: str) -> Estimate | None:
    """`above` over `below`, round by round; None if one of them did not run."""
    if not {above, below} <= samples.get(load, {}).keys():
        return None
    return estimate(
        ratios(values(samples, load, above, metric), values(samples, load, below, metric))
    )


def report_of(about, chosen, prepared: Prepared, loads, samples: Samples, failures) -> str:
    """Everything that was measured, as Markdown."""
    text = report.paragraph(about) + report.paragraph(circumstances(chosen))
    if prepared.left_out:
        words = (f"{server}: {why}" for server, why in prepared.left_out.items())
        text += report.paragraph("Left out: " + "; ".join(words) + ".")
    text += "".join(report.paragraph(f"**Failed**: {failure}.") for failure in failures)
    for load in loads:
        if samples.get(load.name) and not load.part:
            text += load_report(load, prepared.servers, samples)
    return text + summary(loads, prepared.servers, samples) + disturbed(samples)


def summary(loads, servers: Sequence[Server], samples: Samples) -> str:
    """All goals in one table, and where a peer is ahead."""
    rows = []
    compared = 0
    lost = []
    for load in loads:
        for goal in load.goals:
            result = quotient(samples, load.name, goal.metric, goal.server, goal.reference)
            if result:
                met = "met" if report.goal_is_met(result, goal.at_most) else "**missed**"
                what = f"{goal.server} ÷ {goal.reference}, {METRICS[goal.metric]}"
                shown = report.interval(result, report.ratio)
                rows.append([load.name, what, f"{goal.at_most:g}", shown, met])
        for server in servers:
            result = quotient(samples, load.name, load.metric, "ours", server.name)
            if server.kind == "peer" and result:
                compared += 1
                if report.loss(result):
                    lost.append(f"{server.name} in {load.name}")
    if not rows:
        return ""
    text = "### Goals\n\n"
    text += report.table(["load", "what", "at most", "measured", ""], rows) + "\n"
    ahead = f"A peer is ahead in {len(lost)} of {compared} comparisons"
    return text + report.paragraph(ahead + (": " + "; ".join(lost) if lost else "") + ".")


def circumstances(chosen, short=False) -> str:
    """When, where and how; in short if the rest stands elsewhere."""
    when = f"{time.strftime('%Y-%m-%d %H:%M')}, commit {commit()}, {machine()}. "
    rounds = f"{chosen.rounds} rounds of {chosen.seconds:g} s"
    if short:
        return f"{when}{rounds}."
    flags = "; ".join(
        f"{who}: `{pathlib.Path(file).read_text().strip()}`" for who, file in FLAG_FILES.items()
    )
    compiler = subprocess.run(["g++", "--version"], text=True, capture_output=True).stdout
    optimized = "-DNDEBUG" in pathlib.Path(FLAG_FILES["ours"]).read_text()
    return ("" if optimized else "**Not built with -c opt: worth nothing.** ") + (
        f"{when}{rounds}, every second in reverse order; server "
        f"on core {chosen.cores.server}, client on core {chosen.cores.client}. Medians with their "
        f"95 % bootstrap intervals. {compiler.splitlines()[0] if compiler else 'no g++'}; flags of "
        f"{flags}; peers compiled by the driver: `{' '.join(FLAGS)}`."
    )


def machine() -> str:
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def commit() -> str:
    folder = os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")
    command = ["git", "-C", folder, "describe", "--always", "--dirty"]
    result = subprocess.run(command, text=True, capture_output=True)
    return result.stdout.strip() or "unknown"


def load_report(load: Load, servers: Sequence[Server], samples: Samples) -> str:
    ran = [server for server in servers if server.name in samples[load.name]]
    rows = [_row(load, server, samples) for server in ran]
    head = ["server", "CPU µs/request", "user", "requests/s", "p50 µs", "p99 µs"]
    by = "" if load.metric == "cpu" else f"{load.metric}: "
    head += [f"{by}÷ {load.reference}", f"{by}ours ÷ it", "client"]
    text = f"### {load.name}: {load.title}\n\n" + report.table(head, rows) + "\n"
    verdicts = [_verdict(goal, load, samples) for goal in load.goals]
    verdicts += [_loss(load, server, samples) for server in ran if server.kind == "peer"]
    verdicts += [_reconnects(load, server, samples) for server in ran]
    lines = [report.item(verdict) for verdict in verdicts if verdict]
    return text + "".join(lines) + ("\n" if lines else "")


def _row(load: Load, server: Server, samples: Samples) -> list[str]:
    def shown(metric: str) -> str:
        return report.interval(estimate(values(samples, load.name, server.name, metric)))

    def over(above: str, below: str) -> str:
        result = quotient(samples, load.name, load.metric, above, below)
        return report.interval(result, report.ratio) if result else "-"

    client = estimate(values(samples, load.name, server.name, "client_cpu")).median
    return [
        server.name if server.kind != "ours" else f"**{server.name}**",
        shown("cpu"),
        report.number(estimate(values(samples, load.name, server.name, "user")).median),
        shown("rate"),
        shown("p50"),
        shown("p99"),
        "1" if server.name == load.reference else over(server.name, load.reference),
        over("ours", server.name) if server.kind != "ours" else "",
        f"{client:.0%}" if client else "",
    ]


def _verdict(goal: Goal, load: Load, samples: Samples) -> str:
    result = quotient(samples, load.name, goal.metric, goal.server, goal.reference)
    if result is None:
        return ""
    met = "met" if report.goal_is_met(result, goal.at_most) else "**missed**"
    return (
        f"goal {met}: {goal.server} ÷ {goal.reference} ≤ {goal.at_most} by {METRICS[goal.metric]}: "
        + report.interval(result, report.ratio)
    )


def _loss(load: Load, server: Server, samples: Samples) -> str:
    result = quotient(samples, load.name, load.metric, "ours", server.name)
    if result is None or not (what := report.loss(result)):
        return ""
    return (
        f"{what}: {server.name} is ahead by {METRICS[load.metric]}: ours ÷ {server.name} "
        + report.interval(result, report.ratio)
    )


def _reconnects(load: Load, server: Server, samples: Samples) -> str:
    counts = values(samples, load.name, server.name, "reconnects")
    if not any(counts):
        return ""
    return f"{server.name} ended {max(counts):,} connections per sample at most, which went on anew"


def disturbed(samples: Samples) -> str:
    everything = [s for servers in samples.values() for some in servers.values() for s in some]
    count = sum(sample.foreign > _FOREIGN_MAX for sample in everything)
    return report.paragraph(
        f"{count} of {len(everything)} samples were disturbed: something else used more than "
        f"{_FOREIGN_MAX:.0%} of the two cores meanwhile."
    )


def plot_of(name: str, servers, loads, samples: Samples) -> str:
    panels = []
    for load in loads:
        if not samples.get(load.name):
            continue
        bars = [
            plot.Bar(s.name, estimate(values(samples, load.name, s.name, load.metric)), s.kind)
            for s in servers
            if s.name in samples[load.name]
        ]
        panels.append(plot.Panel(f"{load.name}: {load.title}", METRICS[load.metric], bars))
    return plot.plot(f"benchmarks/{name}, {time.strftime('%Y-%m-%d')}: less is better", panels)


def write_samples(name: str, samples, chosen) -> None:
    chosen.output.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(samples, default=dataclasses.asdict, indent=1)
    (chosen.output / f"{name}.json").write_text(raw + "\n")


def write(name: str, text: str, picture: str, samples, chosen, parts: dict | None = None) -> None:
    """Prints the report and leaves it, the plot and the samples in the output folder.

    `parts` are reports that have marks of their own in the README.
    """
    parts = parts or {}
    everything = "".join(parts.values()) + text
    print("\n" + everything)
    write_samples(name, samples, chosen)
    (chosen.output / f"{name}.md").write_text(f"# {name}\n\n{everything.strip()}\n")
    (chosen.output / f"{name}.svg").write_text(picture)
    print(f"written: {chosen.output}/{name}.md, .svg, .json")
    if chosen.readme:
        shown = {name: plot_link(name, chosen.output, chosen.readme) + text, **parts}
        for part, its_text in shown.items():
            chosen.readme.write_text(report.splice(chosen.readme.read_text(), part, its_text))
            print(f"written: the part of {chosen.readme} marked '{part}'")


def plot_link(name: str, output: pathlib.Path, readme: pathlib.Path) -> str:
    """Shows the plot in `readme`, if the plot lies below it."""
    folder, below = readme.resolve().parent, (output / f"{name}.svg").resolve()
    return f"![{name}]({below.relative_to(folder)})\n\n" if below.is_relative_to(folder) else ""
