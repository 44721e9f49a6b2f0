"""Whether the confidence can be believed: mean confidence of each bin against the share that was right."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.figure import Data, Figure, Words, chart, figure
from app.charts.notation import interval, score
from app.charts.scale import Scale, scale
from app.charts.svg import mark, path, share, stretched, text
from ml.evaluation.proportion import wilson_bounds

HEIGHT = 204
MARGINS = 46


@dataclass(frozen=True)
class Bin:
    confidence: float
    accuracy: float
    n: int


def reliability(name: str, words: Words, bins: Sequence[Bin], *, csv_url: str = "") -> Figure:
    """Points below the diagonal: surer than it should be. Empty bins are left out."""
    filled = [one for one in bins if one.n]
    across = scale([one.confidence for one in filled], high=1.0)
    marks = _grid(across)
    diagonal = [(0.0, 1 - across.low), (1.0, 0.0)]
    marks.append(stretched(HEIGHT, [path(diagonal, "ln thin dash s5")]))
    marks += [drawn for one in filled for drawn in _bin(one, across)]
    drawing = chart(name, words, "p-line", HEIGHT + MARGINS, marks)
    return figure(name, words, drawing, _data(filled), csv_url=csv_url)


def _grid(across: Scale) -> list[Markup]:
    up = Scale(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
    marks = []
    for tick in up.ticks:
        y = _y(tick)
        marks += [mark("line", class_="grid", x2="100%", y1=y, y2=y), text(up.label(tick), -8, y + 4, "e")]
    marks += [text(across.label(tick), share(across.share(tick)), 222, "m") for tick in across.ticks]
    return [*marks, text("confidence", "100%", 240, "e")]


def _bin(one: Bin, across: Scale) -> list[Markup]:
    x = share(across.share(one.confidence))
    low, high = wilson_bounds(one.accuracy, one.n)
    return [
        mark("line", class_="whisk", x1=x, x2=x, y1=_y(low), y2=_y(high)),
        mark("circle", class_="d1 halo", cx=x, cy=_y(one.accuracy), r=5),
        text(f"{one.n:,}", x, HEIGHT - 5, "m"),
    ]


def _y(value: float) -> float:
    return round((1 - value) * HEIGHT, 1)


def _data(bins: Sequence[Bin]) -> Data:
    rows = [
        (
            score(one.confidence),
            score(one.accuracy),
            interval(*wilson_bounds(one.accuracy, one.n)),
            f"{one.n:,}",
        )
        for one in bins
    ]
    columns = ("Mean confidence", "Share right", "95 % interval", "n")
    header = ("confidence", "accuracy", "low", "high", "n")
    values = [(one.confidence, one.accuracy, *wilson_bounds(one.accuracy, one.n), one.n) for one in bins]
    return Data(columns, rows, frozenset(), header, values)
