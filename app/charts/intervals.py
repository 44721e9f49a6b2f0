"""Metrics as dots with their 95 % intervals: the candidate above, what it is compared with below."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.bars import clipped
from app.charts.figure import Data, Figure, Key, Words, chart, figure
from app.charts.notation import NONE, interval, score
from app.charts.scale import Scale, scale
from app.charts.svg import mark, share, text

ROW = 40
AXIS = 22


@dataclass(frozen=True)
class Estimate:
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Compared:
    label: str
    candidate: Estimate
    baseline: Estimate | None = None


def intervals(
    name: str,
    words: Words,
    rows: Sequence[Compared],
    candidate: str = "candidate",
    baseline: str = "baseline",
    *,
    csv_url: str = "",
) -> Figure:
    across = scale(_ends(rows))
    bottom = ROW * len(rows)
    marks = [_tick(across, tick, bottom) for tick in across.ticks]
    marks += [text(across.label(tick), share(across.share(tick)), bottom + 16, "m") for tick in across.ticks]
    for place, row in enumerate(rows):
        marks += _row(row, place * ROW, across)
    keys = (Key(candidate, "d1", "circle"), Key(baseline, "hollow", "circle"))
    drawing = chart(name, words, "p-dot", bottom + AXIS, marks)
    return figure(name, words, drawing, _data(rows, candidate, baseline), keys, csv_url)


def _ends(rows: Sequence[Compared]) -> list[float]:
    found = [one for row in rows for one in (row.candidate, row.baseline) if one]
    ends = [end for one in found for end in (one.value, one.low, one.high)]
    return [end for end in ends if end is not None]


def _tick(across: Scale, tick: float, bottom: float) -> Markup:
    x = share(across.share(tick))
    return mark("line", class_="grid", x1=x, x2=x, y2=bottom)


def _row(row: Compared, top: float, across: Scale) -> list[Markup]:
    marks = [text(clipped(row.label, 20) + mark("title", row.label), -156, top + 22, "v")]
    marks += _estimate(row.candidate, top + 13, across, "d1 halo", "v e")
    if row.baseline:
        marks += _estimate(row.baseline, top + 28, across, "hollow", "e")
    return marks


def _estimate(one: Estimate, y: float, across: Scale, dot: str, number: str) -> list[Markup]:
    marks = [mark("circle", class_=dot, cx=share(across.share(one.value)), cy=y, r=5)]
    if one.low is not None and one.high is not None:
        ends = {"x1": share(across.share(one.low)), "x2": share(across.share(one.high))}
        marks.insert(0, mark("line", class_="whisk", y1=y, y2=y, **ends))
    return [*marks, text(score(one.value), "100%", y + 4, number, dx=60)]


def _data(rows: Sequence[Compared], candidate: str, baseline: str) -> Data:
    columns = ("Metric", candidate, f"{candidate}, 95 %", baseline, f"{baseline}, 95 %")
    cells = [(row.label, *_cells(row.candidate), *_cells(row.baseline)) for row in rows]
    header = ("metric", *(f"{name}{end}" for name in (candidate, baseline) for end in ("", " low", " high")))
    values = [(row.label, *_values(row.candidate), *_values(row.baseline)) for row in rows]
    return Data(columns, cells, frozenset({"Metric"}), header, values)


def _values(one: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (one.value, one.low, one.high) if one else (None, None, None)


def _cells(one: Estimate | None) -> tuple[str, str]:
    return (score(one.value), interval(one.low, one.high)) if one else (NONE, NONE)
