"""Differences with their 95 % intervals around zero: what crosses the line may be chance."""

from collections.abc import Sequence

from markupsafe import Markup

from app.charts.bars import clipped
from app.charts.figure import Data, Figure, Words, chart, figure
from app.charts.intervals import Estimate
from app.charts.notation import signed, signed_interval
from app.charts.scale import Scale, scale
from app.charts.svg import mark, share, text

ROW = 28
AXIS = 22


def differences(
    name: str, words: Words, rows: Sequence[tuple[str, Estimate]], *, csv_url: str = ""
) -> Figure:
    """``words.how`` says of what to what; a dot is hollow where the difference may be chance."""
    across = scale([0.0, *(end for _, one in rows for end in _ends(one))])
    bottom = ROW * len(rows)
    marks = [_upright("grid", across, tick, bottom) for tick in across.ticks]
    marks += [text(_tick(tick), share(across.share(tick)), bottom + 16, "m") for tick in across.ticks]
    marks.append(_upright("ref", across, 0.0, bottom))
    for place, (label, one) in enumerate(rows):
        marks += _row(label, one, place * ROW + 14, across)
    drawing = chart(name, words, "p-dot", bottom + AXIS, marks)
    return figure(name, words, drawing, _data(rows), csv_url=csv_url)


def may_be_chance(one: Estimate) -> bool:
    return one.low is None or one.high is None or one.low <= 0 <= one.high


def _ends(one: Estimate) -> list[float]:
    return [end for end in (one.value, one.low, one.high) if end is not None]


def _tick(value: float) -> str:
    """With the decimals that it has, at least two."""
    return signed(value, 3) if round(value, 2) != round(value, 4) else signed(value, 2)


def _upright(css: str, across: Scale, value: float, bottom: float) -> Markup:
    x = share(across.share(value))
    return mark("line", class_=css, x1=x, x2=x, y2=bottom)


def _row(label: str, one: Estimate, y: float, across: Scale) -> list[Markup]:
    marks = [
        text(clipped(label, 20) + mark("title", label), -156, y + 4, "v"),
        text(signed(one.value), "100%", y + 4, "v e", dx=60),
    ]
    if one.low is not None and one.high is not None:
        ends = {"x1": share(across.share(one.low)), "x2": share(across.share(one.high))}
        marks.append(mark("line", class_="whisk", y1=y, y2=y, **ends))
    dot = "hollow" if may_be_chance(one) else "d1 halo"
    marks.append(mark("circle", class_=dot, cx=share(across.share(one.value)), cy=y, r=5))
    return marks


def _data(rows: Sequence[tuple[str, Estimate]]) -> Data:
    shown = [
        (label, signed(one.value), signed_interval(one.low, one.high), _said(one)) for label, one in rows
    ]
    values = [(label, one.value, one.low, one.high) for label, one in rows]
    columns = ("Metric", "Difference", "95 %", "Finding")
    header = ("metric", "difference", "low", "high")
    return Data(columns, shown, frozenset({"Metric", "Finding"}), header, values)


def _said(one: Estimate) -> str:
    return "may be chance" if may_be_chance(one) else "not by chance"
