"""The probabilities of one answer: a bar a label over the whole range from 0 to 1, the threshold across."""

from collections.abc import Sequence

from markupsafe import Markup

from app.charts.bars import SENTIMENT, clipped
from app.charts.figure import Data, Figure, Words, chart, figure
from app.charts.notation import score
from app.charts.svg import mark, share, text

ROW = 30


def probabilities(
    name: str,
    words: Words,
    items: Sequence[tuple[str, float]],
    threshold: float | None = None,
    *,
    csv_url: str = "",
) -> Figure:
    marks: list[Markup] = []
    for row, (label, value) in enumerate(items):
        marks += _row(label, value, row * ROW)
    if threshold is not None:
        marks += _threshold(threshold, ROW * len(items))
    drawing = chart(name, words, "p-cat", ROW * len(items) + (18 if threshold is not None else 0), marks)
    rows = [(label, score(value)) for label, value in items]
    columns = ("Label", "Probability")
    data = Data(columns, rows, frozenset({"Label"}), ("label", "probability"), items)
    return figure(name, words, drawing, data, csv_url=csv_url)


def _row(label: str, value: float, top: float) -> list[Markup]:
    box = {"y": top + 6, "height": 18, "rx": 2}
    return [
        text(clipped(label) + mark("title", label), -84, top + 20, "v"),
        text(score(value), "100%", top + 20, "v e", dx=52),
        mark("rect", class_="f-track", width="100%", **box),
        mark("rect", class_=SENTIMENT.get(label, "f-soft"), width=share(value), **box),
    ]


def _threshold(threshold: float, bottom: float) -> list[Markup]:
    x = share(threshold)
    return [
        mark("line", class_="ref", x1=x, x2=x, y1=0, y2=bottom),
        text(f"threshold {score(threshold, 2)}", x, bottom + 12, "m"),
    ]
