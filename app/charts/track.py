"""Marks for one cell of a list: a run's steps as a row of small blocks, a series as a small line."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from app.charts.svg import join, mark, path, stretched_alone

_COLOURS = {"succeeded": "ok", "leased": "run", "remote": "run", "failed": "bad"}


def track(states: Iterable[tuple[str, bool]]) -> Markup:
    """``(state, taken from the cache)`` of each step in order. The words beside it say the same."""
    blocks = [mark("i", class_="cache" if cached else _COLOURS.get(state, "")) for state, cached in states]
    return mark("span", join(blocks), class_="mini", aria_hidden="true")


def spark(said: str, values: Sequence[float]) -> Markup:
    """From zero up, so only shapes can be compared. ``said`` is its name and says the numbers."""
    highest = max(values, default=0) or 1
    last = (len(values) - 1) or 1
    points = [(place / last, 1 - value / highest) for place, value in enumerate(values)]
    drawn = path(points, "ln thin s1") if len(points) > 1 else Markup()
    return stretched_alone(said, drawn)
