"""How often each size occurs; the part of each bin that a limit cuts stands on top, in another colour."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.figure import Data, Figure, Key, Words, chart, figure
from app.charts.scale import Scale, scale
from app.charts.svg import join, mark, share, text

HEIGHT = 170
MARGINS = 46
SMALL = 28  # px, of the one in a table's head


@dataclass(frozen=True)
class Bin:
    """From ``low`` to below ``high``; the last one may have no end. ``cut`` of its ``count`` are marked."""

    low: float
    high: float | None
    count: int
    cut: int = 0


@dataclass(frozen=True)
class Limit:
    """A size to compare with, drawn dashed; ``label`` says it with its unit."""

    at: float
    label: str


def histogram(
    name: str,
    words: Words,
    bins: Sequence[Bin],
    x_label: str,
    *,
    marked: tuple[str, str] | None = None,
    limit: Limit | None = None,
    csv_url: str = "",
) -> Figure:
    """``marked`` names what is whole and what is cut: ``("read whole", "end not read")``."""
    up = scale([one.count for one in bins], low=0)
    width = 1 / (len(bins) or 1)
    marks = _grid(up, bins, x_label)
    for place, one in enumerate(bins):
        marks += _bar(one, place * width, width, up)
    if limit and bins:
        marks += _limit(limit, bins)
    drawing = chart(name, words, "p-line", HEIGHT + MARGINS, marks)
    keys = [Key(label, css, "rect") for label, css in zip(marked or (), ("f-soft", "f-neg"), strict=False)]
    return figure(name, words, drawing, _data(bins, x_label, marked), keys, csv_url)


def _grid(up: Scale, bins: Sequence[Bin], x_label: str) -> list[Markup]:
    marks = []
    for tick in up.ticks:
        y = _y(up, tick)
        marks += [mark("line", class_="grid", x2="100%", y1=y, y2=y), text(up.label(tick), -8, y + 4, "e")]
    stride = -(-len(bins) // 6) or 1
    for place in range(0, len(bins), stride):
        marks.append(text(f"{bins[place].low:g}", share(place / len(bins)), HEIGHT + 18, "m"))
    return [*marks, text(x_label, "100%", HEIGHT + 36, "e")]


def _limit(limit: Limit, bins: Sequence[Bin]) -> list[Markup]:
    """Bins have one width, so the axis is a line; the label stands where there is more room."""
    width = (bins[0].high or limit.at) - bins[0].low
    place = min(1.0, max(0.0, (limit.at - bins[0].low) / (width * len(bins))))
    x, side, dx = share(place), "v e" if place > 0.5 else "v", -8 if place > 0.5 else 8
    line = mark("line", class_="ref", x1=x, x2=x, y1=-4, y2=HEIGHT)
    return [line, text(limit.label, x, 6, side, dx=dx)]


def _bar(one: Bin, start: float, width: float, up: Scale) -> list[Markup]:
    whole, top = _y(up, one.count - one.cut), _y(up, one.count)
    box = {"x": share(start), "width": share(width)}
    marks = [mark("rect", class_="f-soft gap", y=whole, height=round(HEIGHT - whole, 1), **box)]
    if one.cut:
        marks.append(mark("rect", class_="f-neg gap", y=top, height=round(whole - top, 1), **box))
    return marks


def _y(up: Scale, value: float) -> float:
    return round((1 - up.share(value)) * HEIGHT, 1)


def _data(bins: Sequence[Bin], x_label: str, marked: tuple[str, str] | None) -> Data:
    ends = [f"{one.low:g} or more" if one.high is None else f"{one.low:g}–{one.high:g}" for one in bins]
    columns = [x_label.capitalize(), "Count", *([marked[1].capitalize()] if marked else [])]
    rows = [
        (end, f"{one.count:,}", *([f"{one.cut:,}"] if marked else []))
        for end, one in zip(ends, bins, strict=True)
    ]
    values = [(one.low, one.high, one.count, *([one.cut] if marked else [])) for one in bins]
    header = ("from", "below", "count", *(["cut"] if marked else []))
    return Data(columns, rows, frozenset({columns[0]}), header, values)


def small(said: str, counts: Sequence[int]) -> Markup:
    """For a column's head. ``said`` is its name and says the numbers, since it has no room for them."""
    highest = max(counts, default=0) or 1
    width = 1 / (len(counts) or 1)
    bars = []
    for place, count in enumerate(counts):
        height = round(count / highest * SMALL, 1)
        box = {"x": share(place * width), "width": share(width * 0.94)}
        bars.append(mark("rect", class_="f-soft", y=SMALL - height, height=height, **box))
    return mark("svg", join(bars), class_="hist", role="img", aria_label=said)
