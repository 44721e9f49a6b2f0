"""Axes: from numbers to places, and the round numbers an axis is labelled with."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from app.charts.notation import score

_ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """A linear axis from ``low`` to ``high``; ``ticks`` lie within it."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where on the axis, from 0 to 1. What lies outside is drawn at the edge."""
        if self.high == self.low:
            return 0.5
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def label(self, tick: float) -> str:
        """With as many decimals as the distance of the ticks needs, the same on the whole axis."""
        step = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else self.high
        digits = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 0
        if digits and round(step, digits) != round(step, digits + 2):
            digits += 1  # 0.25 needs two
        return score(tick, digits) if digits and tick else f"{tick:,.0f}"


def scale(
    values: Iterable[float], *, count: int = 4, low: float | None = None, high: float | None = None
) -> Scale:
    """An axis that holds the values, with about ``count`` round intervals; a given end is kept."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    bottom = min(finite) if low is None else low
    top = max(finite) if high is None else high
    if top <= bottom:
        top = bottom + (abs(bottom) or 1.0)
    step = _step(top - bottom, count)
    bottom = math.floor(bottom / step + 1e-9) * step if low is None else low
    top = math.ceil(top / step - 1e-9) * step if high is None else high
    first = math.ceil(bottom / step - 1e-9)
    last = math.floor(top / step + 1e-9)
    return Scale(bottom, top, tuple(round(number * step, 10) for number in range(first, last + 1)))


def _step(span: float, count: int) -> float:
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(factor for factor in _ROUND if factor * power >= rough * (1 - 1e-9))
