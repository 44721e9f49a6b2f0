"""Horizontal bars with their labels and numbers beside them, and the one-line bar of shares for a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.figure import Data, Figure, Words, chart, figure
from app.charts.svg import join, mark, share, text

ROW = 32
LABEL_CHARACTERS = 10  # what the left margin of .p-bar holds in a wide font
SENTIMENT = {"negative": "f-neg", "neutral": "f-neu", "positive": "f-pos"}
_CYCLE = ("d1", "d2", "d3")


@dataclass(frozen=True)
class Bar:
    """``shown`` stands behind the bar: the number with its unit."""

    label: str
    value: float
    shown: str


def bars(
    name: str, words: Words, items: Sequence[Bar], heading: str, value_heading: str, *, csv_url: str = ""
) -> Figure:
    """The longest bar fills the plot, whatever the values' unit."""
    longest = max((item.value for item in items), default=0) or 1
    marks = [mark("line", class_="axis", y2=ROW * len(items))]
    for row, item in enumerate(items):
        marks += _row(item, row * ROW, item.value / longest)
    drawing = chart(name, words, "p-bar", ROW * len(items), marks)
    return figure(name, words, drawing, _data(items, heading, value_heading), csv_url=csv_url)


def _data(items: Sequence[Bar], heading: str, value_heading: str) -> Data:
    columns = (heading, value_heading)
    rows = [(item.label, item.shown) for item in items]
    values = [(item.label, item.value) for item in items]
    return Data(columns, rows, frozenset({heading}), columns, values)


def _row(item: Bar, top: float, length: float) -> list[Markup]:
    colour = SENTIMENT.get(item.label, "f-soft")
    return [
        text(clipped(item.label) + mark("title", item.label), -72, top + 20, "v"),
        mark("rect", class_=colour, y=top + 5, width=share(length), height=22, rx=2),
        text(item.shown, share(length), top + 20, "v", dx=7),
    ]


def clipped(label: str, characters: int = LABEL_CHARACTERS) -> Markup:
    shown = label if len(label) <= characters else label[: characters - 1] + "…"
    return Markup("{}").format(shown)


def balance(counts: Sequence[tuple[str, int]]) -> Markup:
    """Shares of the whole in one thin bar. Its name says the numbers, since it has no room for them."""
    total = sum(count for _, count in counts) or 1
    segments, start = [], 0.0
    for place, (label, count) in enumerate(counts):
        colour = SENTIMENT.get(label, _CYCLE[place % len(_CYCLE)])
        segments.append(_segment(start, count / total, colour))
        start += count / total
    said = ", ".join(f"{label} {count / total * 100:.1f} %" for label, count in counts)
    return mark("svg", join(segments), class_="meter", role="img", aria_label=said)


def _segment(start: float, width: float, colour: str) -> Markup:
    return mark("rect", class_=f"{colour} gap", x=share(start), width=share(width), height=6)
