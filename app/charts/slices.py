"""A share on parts of the rows, each with its 95 % interval and n, around the line of the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.bars import clipped
from app.charts.figure import Data, Figure, Key, Words, chart, figure
from app.charts.intervals import Estimate
from app.charts.notation import NONE, interval, score
from app.charts.scale import Scale, scale
from app.charts.svg import mark, share, text

ROW = 24
HEAD = 28
AXIS = 22
TOO_FEW = 30


@dataclass(frozen=True)
class Slice:
    group: str
    label: str
    n: int
    candidate: Estimate
    baseline: Estimate | None = None

    @property
    def few(self) -> bool:
        return self.n < TOO_FEW


def slices(
    name: str,
    words: Words,
    rows: Sequence[Slice],
    whole: float | None = None,
    *,
    candidate: str = "candidate",
    baseline: str = "baseline",
    csv_url: str = "",
) -> Figure:
    """Slices of a group stand together. Too few rows are drawn hollow and have no number."""
    across = scale(_ends(rows, whole))
    placed = list(_placed(rows))
    bottom = placed[-1][1] + ROW if placed else 0
    marks = [_upright("grid", across, tick, bottom) for tick in across.ticks]
    marks += [text(across.label(tick), share(across.share(tick)), bottom + 16, "m") for tick in across.ticks]
    if whole is not None:
        marks.append(_upright("refline", across, whole, bottom))
    for one, top in placed:
        marks += _head(one, top) if isinstance(one, str) else _row(one, top, across)
    drawing = chart(name, words, "p-dot", bottom + AXIS, marks)
    keys = [Key(candidate, "d1", "circle")]
    if any(one.baseline or one.few for one in rows):
        keys.append(Key(f"{baseline}, or fewer than {TOO_FEW}", "hollow", "circle"))
    return figure(name, words, drawing, _data(rows, candidate, baseline), keys, csv_url)


def _placed(rows: Sequence[Slice]) -> Iterator[tuple[Slice | str, float]]:
    """Every slice and every group's name with the px where it begins."""
    top, group = 0, ""
    for row in rows:
        if row.group != group:
            group = row.group
            yield group, top
            top += HEAD
        yield row, top
        top += ROW


def _ends(rows: Sequence[Slice], whole: float | None) -> list[float]:
    """Of what can be judged: an interval of three rows would squeeze all others."""
    judged = [row for row in rows if not row.few] or list(rows)
    found = [end for row in judged for end in (row.candidate.value, row.candidate.low, row.candidate.high)]
    found += [row.baseline.value for row in judged if row.baseline] + [whole]
    return [end for end in found if end is not None]


def _upright(css: str, across: Scale, value: float, bottom: float) -> Markup:
    x = share(across.share(value))
    return mark("line", class_=css, x1=x, x2=x, y2=bottom)


def _head(group: str, top: float) -> list[Markup]:
    return [text(group, -156, top + 20)]


def _row(row: Slice, top: float, across: Scale) -> list[Markup]:
    y = top + 13
    marks = [
        text(clipped(row.label, 16) + mark("title", row.label), -148, y + 4, "v"),
        text(f"{row.n:,}", -12, y + 4, "e"),
        text("too few" if row.few else score(row.candidate.value), "100%", y + 4, "v e", dx=60),
    ]
    if row.candidate.low is not None and row.candidate.high is not None:
        ends = {"x1": share(across.share(row.candidate.low)), "x2": share(across.share(row.candidate.high))}
        marks.append(mark("line", class_="whisk", y1=y, y2=y, **ends))
    if row.baseline and not row.few:
        marks.append(mark("circle", class_="hollow", cx=share(across.share(row.baseline.value)), cy=y, r=3.5))
    dot = "hollow" if row.few else "d1 halo"
    marks.append(mark("circle", class_=dot, cx=share(across.share(row.candidate.value)), cy=y, r=5))
    return marks


def _data(rows: Sequence[Slice], candidate: str, baseline: str) -> Data:
    columns = ("Group", "Slice", "n", candidate, "95 %", baseline)
    shown = [
        (row.group, row.label, f"{row.n:,}", score(row.candidate.value), *_compared(row)) for row in rows
    ]
    values = [
        (row.group, row.label, row.n, row.candidate.value, row.candidate.low, row.candidate.high, _base(row))
        for row in rows
    ]
    header = ("group", "slice", "n", candidate, "low", "high", baseline)
    return Data(columns, shown, frozenset({"Group", "Slice"}), header, values)


def _compared(row: Slice) -> tuple[str, str]:
    shown = score(row.baseline.value) if row.baseline else NONE
    return interval(row.candidate.low, row.candidate.high), shown


def _base(row: Slice) -> float | None:
    return row.baseline.value if row.baseline else None
