"""Curves over a program's own count of steps: training solid, validation dashed with its points."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from app.charts.figure import Data, Figure, Key, Words, chart, figure
from app.charts.notation import NONE, plain, score
from app.charts.scale import Scale, scale
from app.charts.svg import mark, path, share, stretched, text

HEIGHT = 180
MARGINS = 46  # above and below the plot, see .p-line
POINTS = 300  # more can't be told apart on a screen
Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """``colour`` is the number of a series colour (1 to 3). ``dotted`` marks each point, for sparse ones.

    ``best`` is the point that was kept, drawn larger and with its value.
    """

    label: str
    points: Sequence[Point]
    colour: int
    dashed: bool = False
    dotted: bool = False
    best: Point | None = None

    @property
    def classes(self) -> str:
        return f"ln {'dash' if self.dashed else 'thin'} s{self.colour}"


@dataclass(frozen=True)
class Reference:
    """A level to compare with, drawn dashed: today's model, a threshold."""

    label: str
    value: float


def lines(
    name: str,
    words: Words,
    series: Sequence[Series],
    x_label: str,
    *,
    reference: Reference | None = None,
    from_zero: bool = False,
    csv_url: str = "",
) -> Figure:
    drawn = [_thinned(one) for one in series]
    across, up = _axes(drawn, reference, from_zero)
    marks = _grid(across, up, x_label)
    marks.append(stretched(HEIGHT, [_curve(one, across, up) for one in drawn if len(one.points) > 1]))
    if reference:
        marks += _level(reference, up)
    marks += [_dot(one, point, across, up) for one in drawn if _has_dots(one) for point in one.points]
    marks += [part for one in drawn if one.best for part in _kept(one.best, one.colour, across, up)]
    keys = [Key(one.label, one.classes) for one in drawn]
    drawing = chart(name, words, "p-line", HEIGHT + MARGINS, marks)
    return figure(name, words, drawing, _data(drawn, series, x_label), keys, csv_url)


def _axes(series: Sequence[Series], reference: Reference | None, from_zero: bool) -> tuple[Scale, Scale]:
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points] + ([reference.value] if reference else [])
    across = scale(xs, low=0, high=max(xs, default=0) or 1)
    return across, scale(ys, low=0 if from_zero else None)


def _grid(across: Scale, up: Scale, x_label: str) -> list[Markup]:
    marks = []
    for tick in up.ticks:
        y = _y(up, tick)
        marks += [mark("line", class_="grid", x2="100%", y1=y, y2=y), text(up.label(tick), -8, y + 4, "e")]
    marks += [text(across.label(tick), share(across.share(tick)), 198, "m") for tick in across.ticks]
    return [*marks, text(x_label, "100%", 216, "e")]


def _curve(series: Series, across: Scale, up: Scale) -> Markup:
    places = [(across.share(x), 1 - up.share(y)) for x, y in series.points]
    return path(places, series.classes)


def _has_dots(series: Series) -> bool:
    return series.dotted or len(series.points) == 1  # one point alone makes no line


def _dot(series: Series, point: Point, across: Scale, up: Scale) -> Markup:
    x, y = share(across.share(point[0])), _y(up, point[1])
    return mark("circle", class_=f"d{series.colour} halo", cx=x, cy=y, r=3.5)


def _level(reference: Reference, up: Scale) -> list[Markup]:
    y = _y(up, reference.value)
    said = f"{reference.label} {score(reference.value)}"
    return [mark("line", class_="ref", x2="100%", y1=y, y2=y), text(said, "100%", y + 15, "v e")]


def _kept(best: Point, colour: int, across: Scale, up: Scale) -> list[Markup]:
    place, y = across.share(best[0]), _y(up, best[1])
    side = "v e" if place > 0.5 else "v"
    dot = mark("circle", class_=f"d{colour} halo", cx=share(place), cy=y, r=5)
    return [dot, text(f"kept {score(best[1])}", share(place), y - 11, side)]


def _y(up: Scale, value: float) -> float:
    return round((1 - up.share(value)) * HEIGHT, 1)


def _thinned(series: Series) -> Series:
    """Every n-th point, and always the last: a curve that is still growing shows where it is."""
    count = len(series.points)
    if count <= POINTS:
        return series
    stride = -(-count // (POINTS - 1))
    kept = [*series.points[:-1:stride], series.points[-1]]
    return replace(series, points=kept)


def _data(drawn: Sequence[Series], series: Sequence[Series], x_label: str) -> Data:
    """The table has the points that are drawn, the file all of them."""
    rows = [(plain(x), *(_cell(value) for value in values)) for x, *values in _by_step(drawn)]
    labels = [one.label for one in series]
    return Data((x_label.capitalize(), *labels), rows, frozenset(), (x_label, *labels), _by_step(series))


def _by_step(series: Sequence[Series]) -> list[tuple[float, *tuple[float | None, ...]]]:
    values = [dict(one.points) for one in series]
    steps = sorted({x for one in values for x in one})
    return [(x, *(one.get(x) for one in values)) for x in steps]


def _cell(value: float | None) -> str:
    return NONE if value is None else score(value, 4)
