"""Bars with intervals as SVG. Pure functions."""

import html
from typing import NamedTuple, Sequence

from benchmarks.driver.estimate import Estimate
from benchmarks.driver.report import number

_NAME = 150
_BAR = 520
_VALUE = 90
_ROW = 22
_WIDTH = _NAME + _BAR + _VALUE + 20
_COLOURS = {"ours": "#c0392b", "reference": "#7f8c8d", "peer": "#4a7fb0"}


class Bar(NamedTuple):
    name: str
    value: Estimate
    kind: str  # ours, reference or peer


class Panel(NamedTuple):
    """One load: less is better."""

    title: str
    unit: str
    bars: Sequence[Bar]


def plot(title: str, panels: Sequence[Panel]) -> str:
    """One picture of all panels, below each other."""
    parts = [_text(10, 24, title, size=16)]
    top = 44
    for panel in panels:
        parts.append(_text(10, top + 14, f"{panel.title}, {panel.unit}", size=13))
        top += 24
        longest = max((bar.value.high for bar in panel.bars), default=0) or 1
        for bar in panel.bars:
            parts.append(_bar(bar, top, _BAR / longest))
            top += _ROW
        top += 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" '
        'font-family="sans-serif">\n'
        f'<rect width="{_WIDTH}" height="{top}" fill="white"/>\n' + "".join(parts) + "</svg>\n"
    )


def _bar(bar: Bar, top: float, scale: float) -> str:
    middle = top + _ROW / 2
    low, high = _NAME + bar.value.low * scale, _NAME + bar.value.high * scale
    whisker = "".join(
        _line(*ends)
        for ends in (
            (low, middle, high, middle),
            (low, middle - 4, low, middle + 4),
            (high, middle - 4, high, middle + 4),
        )
    )
    return (
        _text(_NAME - 8, middle + 4, bar.name, anchor="end")
        + f'<rect x="{_NAME}" y="{top + 3}" width="{bar.value.median * scale:.1f}" '
        f'height="{_ROW - 6}" fill="{_COLOURS[bar.kind]}"/>\n'
        + whisker
        + _text(high + 8, middle + 4, number(bar.value.median))
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="black"/>\n'


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
        f"{html.escape(text)}</text>\n"
    )
