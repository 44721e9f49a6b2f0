"""A run's steps as a row of small blocks, for lists. The words beside it say the same."""

from collections.abc import Iterable

from markupsafe import Markup

from app.charts.svg import join, mark

_COLOURS = {"succeeded": "ok", "leased": "run", "failed": "bad"}


def track(states: Iterable[tuple[str, bool]]) -> Markup:
    """``(state, taken from the cache)`` of each step in order."""
    blocks = [mark("i", class_="cache" if cached else _COLOURS.get(state, "")) for state, cached in states]
    return mark("span", join(blocks), class_="mini", aria_hidden="true")
