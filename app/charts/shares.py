"""Bars of the whole: how each category divides into parts. As long as each other, so shares are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.bars import SENTIMENT, clipped
from app.charts.figure import Data, Figure, Key, Words, chart, figure
from app.charts.svg import mark, share, text

ROW = 22
WIDE_ENOUGH = 0.2  # of the plot, for a share inside its bar at 390 px
_CYCLE = ("d1", "d2", "d3")


@dataclass(frozen=True)
class Divided:
    """``counts`` has a number for each part."""

    label: str
    counts: Sequence[int]

    @property
    def n(self) -> int:
        return sum(self.counts)


def shares(
    name: str, words: Words, heading: str, parts: Sequence[str], rows: Sequence[Divided], *, csv_url: str = ""
) -> Figure:
    """n stands at the right of each bar, the share of the last part in it where there is room."""
    marks: list[Markup] = []
    for place, row in enumerate(rows):
        marks += _row(row, parts, place * ROW)
    drawing = chart(name, words, "p-cat", ROW * len(rows), marks)
    keys = [Key(part, _colour(part, place), "rect") for place, part in enumerate(parts)]
    return figure(name, words, drawing, _data(heading, parts, rows), keys, csv_url)


def _row(row: Divided, parts: Sequence[str], top: float) -> list[Markup]:
    marks = [
        text(clipped(row.label, 12) + mark("title", row.label), -84, top + 15, "v"),
        text(f"{row.n:,}", "100%", top + 15, "e", dx=52),
    ]
    start = 0.0
    for place, (part, count) in enumerate(zip(parts, row.counts, strict=True)):
        width = count / (row.n or 1)
        ends = {"x": share(start), "width": share(width)}
        marks.append(mark("rect", class_=f"{_colour(part, place)} gap", y=top + 3, height=16, **ends))
        start += width
    if (last := row.counts[-1] / (row.n or 1)) >= WIDE_ENOUGH:
        marks.append(text(f"{last * 100:.0f} %", "100%", top + 15, "on e", dx=-6))
    return marks


def _colour(part: str, place: int) -> str:
    return SENTIMENT.get(part, _CYCLE[place % len(_CYCLE)])


def _data(heading: str, parts: Sequence[str], rows: Sequence[Divided]) -> Data:
    shown = [(row.label, *(_cell(count, row.n) for count in row.counts), f"{row.n:,}") for row in rows]
    values = [(row.label, *row.counts, row.n) for row in rows]
    columns = (heading, *parts, "n")
    return Data(columns, shown, frozenset({heading}), columns, values)


def _cell(count: int, n: int) -> str:
    return f"{count:,} · {count / (n or 1) * 100:.1f} %"
