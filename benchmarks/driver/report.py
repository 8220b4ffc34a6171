"""Tables and verdicts as Markdown. Pure functions."""

import math
import textwrap
from typing import Iterable, Sequence

from benchmarks.driver.estimate import Estimate

_COLUMNS = 98


def number(value: float) -> str:
    """Three significant digits, thousands separated. What is not known is a dash."""
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def ratio(value: float) -> str:
    return f"{value:.3f}"


def interval(value: Estimate, form=number) -> str:
    """`median [low, high]`; the median alone when nothing is known of its spread."""
    if value.low == value.high or math.isnan(value.median):
        return form(value.median)
    return f"{form(value.median)} [{form(value.low)}, {form(value.high)}]"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Names to the left, numbers to the right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def paragraph(text: str) -> str:
    """Broken to the width of this repository's files, and a blank line behind it."""
    return textwrap.fill(text, _COLUMNS, break_long_words=False, break_on_hyphens=False) + "\n\n"


def item(text: str) -> str:
    """One of a list."""
    return (
        textwrap.fill(
            "* " + text,
            _COLUMNS,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n"
    )


def goal_is_met(value: Estimate, at_most: float) -> bool:
    """The upper end may be above the goal by what is noise between machines."""
    return value.high <= at_most + 0.02


def loss(ours_over_peer: Estimate) -> str:
    """Whether a peer is ahead of us: empty, or how sure it is."""
    if ours_over_peer.median <= 1:
        return ""
    return "**loss**" if ours_over_peer.low > 1 else "**loss**, within the noise"


def splice(text: str, name: str, results: str) -> str:
    """`text` with what stands between the marks of `name` replaced by `results`."""
    begin, end = f"<!-- results of {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"no marks '{begin.strip()}' and '{end}'")
    return before + begin + "\n" + results.strip() + "\n\n" + end + after
