"""Curves: over a program's own count of steps, training solid, validation dashed with its points; over time;
and, with a ``Frame``, over a threshold or a share (coverage, precision and recall, ROC)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from app.charts.figure import Data, Figure, Key, Words, chart, figure
from app.charts.notation import NONE, plain, score
from app.charts.scale import Scale, scale
from app.charts.svg import mark, path, share, stretched, text

HEIGHT = 180
MARGINS = 46  # above and below the plot, see .p-line
ROOM = 16  # above a dot, for its label
POINTS = 300  # more can't be told apart on a screen
_GUESSING = ((0.0, 1.0), (1.0, 0.0))
Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """``colour`` is the number of a series colour (1 to 3). ``dotted`` marks each point, for sparse ones.

    ``best`` is the point that was kept or chosen, drawn larger, with its value behind ``best_label``.
    """

    label: str
    points: Sequence[Point]
    colour: int
    dashed: bool = False
    dotted: bool = False
    best: Point | None = None
    best_label: str = "kept"

    @property
    def classes(self) -> str:
        return f"ln {'dash' if self.dashed else 'thin'} s{self.colour}"


@dataclass(frozen=True)
class Reference:
    """A level to compare with, drawn dashed: today's model, a threshold."""

    label: str
    value: float


@dataclass(frozen=True)
class Frame:
    """Axes with given ends. ``upright`` is a chosen x, ``diagonal`` what guessing gives.

    ``ticks`` name places of the x axis themselves, for clock times.
    """

    x: tuple[float, float] | None = None
    y: tuple[float, float] | None = None
    upright: float | None = None
    diagonal: bool = False
    ticks: Sequence[tuple[float, str]] = ()


def lines(
    name: str,
    words: Words,
    series: Sequence[Series],
    x_label: str,
    *,
    reference: Reference | None = None,
    from_zero: bool = False,
    frame: Frame = Frame(),
    csv_url: str = "",
) -> Figure:
    drawn = [_thinned(one) for one in series]
    across, up = _axes(drawn, reference, from_zero, frame)
    marks = _grid(across, up, x_label, frame)
    bent = [_curve(one, across, up) for one in drawn if len(one.points) > 1]
    marks.append(stretched(HEIGHT, [path(_GUESSING, "ln thin dash s5"), *bent] if frame.diagonal else bent))
    if reference:
        marks += _level(reference, up)
    marks += [_dot(one, point, across, up) for one in drawn if _has_dots(one) for point in one.points]
    if frame.upright is not None:
        x = share(across.share(frame.upright))
        marks.append(mark("line", class_="ref", x1=x, x2=x, y2=HEIGHT))
    marks += [part for one in drawn if one.best for part in _kept(one, one.best, across, up, drawn)]
    keys = [Key(one.label, one.classes) for one in drawn]
    drawing = chart(name, words, "p-line", HEIGHT + MARGINS, marks)
    return figure(name, words, drawing, _data(drawn, series, x_label), keys, csv_url)


def _axes(
    series: Sequence[Series], reference: Reference | None, from_zero: bool, frame: Frame
) -> tuple[Scale, Scale]:
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points] + ([reference.value] if reference else [])
    first, last = frame.x or (0, max(xs, default=0) or 1)
    lowest, highest = frame.y or (0 if from_zero else None, None)
    return scale(xs, low=first, high=last), scale(ys, low=lowest, high=highest)


def _grid(across: Scale, up: Scale, x_label: str, frame: Frame) -> list[Markup]:
    marks = []
    for tick in up.ticks:
        y = _y(up, tick)
        marks += [mark("line", class_="grid", x2="100%", y1=y, y2=y), text(up.label(tick), -8, y + 4, "e")]
    places = frame.ticks or [(tick, across.label(tick)) for tick in across.ticks]
    marks += [text(shown, share(across.share(place)), 198, "m") for place, shown in places]
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


def _kept(series: Series, best: Point, across: Scale, up: Scale, drawn: Sequence[Series]) -> list[Markup]:
    """With its label above; below where another is above it, and where there is no room above."""
    place, y = across.share(best[0]), _y(up, best[1])
    side = "v e" if place > 0.5 else "v"
    dot = mark("circle", class_=f"d{series.colour} halo", cx=share(place), cy=y, r=5)
    lower = y < ROOM or any(one.best and one.best[0] == best[0] and one.best[1] > best[1] for one in drawn)
    return [
        dot,
        text(f"{series.best_label} {score(best[1])}", share(place), y + (20 if lower else -11), side),
    ]


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
