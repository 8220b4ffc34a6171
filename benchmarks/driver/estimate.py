"""Medians with their uncertainty. Pure functions of lists of numbers."""

import random
import statistics
from typing import NamedTuple, Sequence

_RESAMPLES = 2000


class Estimate(NamedTuple):
    """A median and the interval that holds it with 95 % confidence."""

    median: float
    low: float
    high: float


def estimate(values: Sequence[float]) -> Estimate:
    """The median of `values`, its interval by the percentile bootstrap (Efron, 1979).

    Always the same for the same values: the resamples are drawn from a fixed seed.
    """
    if not values:
        raise ValueError("no values to estimate from")
    middle = statistics.median(values)
    if len(values) == 1:
        return Estimate(middle, middle, middle)
    draw = random.Random(len(values))
    medians = sorted(
        statistics.median(draw.choices(values, k=len(values))) for _ in range(_RESAMPLES)
    )
    tail = round(0.025 * _RESAMPLES)
    return Estimate(middle, medians[tail], medians[-1 - tail])


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Round by round, because neighbours in time share what disturbs them."""
    if len(above) != len(below):
        raise ValueError("the two sides have not run in the same rounds")
    return [a / b for a, b in zip(above, below)]
