"""The words that tell the classes apart: a small chart of bars for each class, on one scale."""

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from app.charts.bars import SENTIMENT, Bar, clipped
from app.charts.figure import Data, Figure, Words, chart, figure
from app.charts.svg import join, mark, share, text

ROW = 22
_SPAN = {1: "", 2: "", 3: "w4"}


def distinctive(
    name: str, words: Words, classes: Sequence[tuple[str, Sequence[Bar]]], measure: str, *, csv_url: str = ""
) -> Figure:
    """``classes`` are a label each with its words in order; ``measure`` says what the numbers are."""
    longest = max((bar.value for _, bars in classes for bar in bars), default=0) or 1
    parts = []
    for place, (label, bars) in enumerate(classes):
        said = ", ".join(f"{bar.label} {bar.shown}" for bar in bars)
        named = replace(words, title=f"{words.title}: {label}", description=said)
        parts.append(_part(f"{name}-{place}", named, label, bars, longest, _SPAN.get(len(classes), "w4")))
    rows = [(label, bar.label, bar.shown) for label, bars in classes for bar in bars]
    values = [(label, bar.label, bar.value) for label, bars in classes for bar in bars]
    columns = ("Label", "Word", measure)
    data = Data(columns, rows, frozenset({"Label", "Word"}), columns, values)
    return figure(name, words, mark("div", join(parts), class_="cols"), data, csv_url=csv_url)


def _part(name: str, words: Words, label: str, bars: Sequence[Bar], longest: float, span: str) -> Markup:
    colour = SENTIMENT.get(label, "f-soft")
    marks = [mark("line", class_="axis", y2=ROW * len(bars))]
    for place, bar in enumerate(bars):
        marks += _row(bar, place * ROW, bar.value / longest, colour)
    sign = mark("span", label, class_=f"sent {colour.removeprefix('f-')}")
    content = mark("p", sign, class_="key") + chart(name, words, "p-word", ROW * len(bars), marks)
    return mark("div", content, class_=span or None)


def _row(bar: Bar, top: float, length: float, colour: str) -> list[Markup]:
    return [
        text(clipped(bar.label, 14) + mark("title", bar.label), -100, top + 15, "v"),
        mark("rect", class_=colour, y=top + 5, width=share(length), height=12, rx=2),
        text(bar.shown, share(length), top + 15, "v", dx=7),
    ]
