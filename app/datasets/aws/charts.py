"""The picture beside each of the five answers, from the rows that Athena gave, which are there as files."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.charts.bars import Bar, bars
from app.charts.figure import Figure, Words
from app.charts.histogram import Bin, histogram
from app.charts.shares import Divided, shares
from app.core.pages import percent

NAMES = {-1: "negative", 0: "neutral", 1: "positive", None: "other"}
BIN_WORDS = 10
Rows = Sequence[Sequence[Any]]


def drawn(key: str, result: Mapping[str, Any]) -> Figure | None:
    """None where there is nothing to draw."""
    rows: Rows = result["rows"]
    draw = _DRAWN.get(key)
    return draw(rows) if draw and rows else None


def _sentiments(rows: Rows) -> Figure:
    total = sum(count for _, count in rows)
    items = [Bar(NAMES[value], count, f"{count:,} · {percent(count / total)}") for value, count in rows]
    most = max(items, key=lambda item: item.value)
    said = ", ".join(f"{count:,} {NAMES[value]}" for value, count in rows)
    words = Words(f"Most are {most.label}", f"n = {total:,}", "Reviews by sentiment", said)
    return bars("sentiment", words, items, "Sentiment", "Reviews")


def _categories(rows: Rows) -> Figure:
    total = sum(count for _, count in rows)
    items = [Bar(_name(category), count, f"{count:,}") for category, count in rows]
    first = items[0]
    finding = f"{first.label} has the most reviews, {percent(first.value / total)} of them"
    how = f"{len(rows)} categories; n = {total:,}"
    words = Words(finding, how, "Reviews by category", f"From {first.shown} down to {items[-1].shown}.")
    return bars("category", words, items, "Category", "Reviews")


def _averages(rows: Rows) -> Figure | None:
    """From -1 at the left, since an average may be below nothing."""
    known = [(_name(category), average) for category, average in rows if average is not None]
    if not known:
        return None
    items = [Bar(category, average + 1, f"{average:.3f}") for category, average in known]
    (best, high), (worst, low) = known[0], known[-1]
    words = Words(
        f"{best} is reviewed best, {worst} worst",
        "mean of −1, 0 and 1; bars begin at −1",
        "Average sentiment by category",
        f"From {high:.3f} in {best} down to {low:.3f} in {worst}.",
    )
    return bars("average", words, items, "Category", "Average sentiment")


def _divided(rows: Rows) -> Figure:
    values = sorted({sentiment for _, sentiment, _ in rows}, key=lambda each: (each is None, each))
    found: dict[str, dict[Any, int]] = {}
    for category, sentiment, count in rows:
        found.setdefault(_name(category), {})[sentiment] = count
    divided = [Divided(name, [counts.get(each, 0) for each in values]) for name, counts in found.items()]
    divided.sort(key=lambda each: each.counts[-1] / (each.n or 1))
    parts = [NAMES[each] for each in values]
    words = Words(
        f"“{parts[-1]}” has the smallest share in {divided[0].label}, the largest in {divided[-1].label}",
        "share by category; reviews at the right",
        "Sentiment by category",
        f"{len(divided)} categories, each divided into {', '.join(parts)}.",
    )
    return shares("category-sentiment", words, "Category", parts, divided)


def _words(rows: Rows) -> Figure:
    total = sum(count for _, count in rows)
    mean = sum(words * count for words, count in rows) / total
    longest = max(words for words, _ in rows)
    bins = [Bin(low, low + BIN_WORDS, 0) for low in range(0, longest + 1, BIN_WORDS)]
    counts = [0] * len(bins)
    for words, count in rows:
        counts[words // BIN_WORDS] += count
    filled = [Bin(each.low, each.high, count) for each, count in zip(bins, counts, strict=True)]
    said = Words(
        f"A review has {mean:.1f} words on average",
        f"at most {longest:,}; n = {total:,}",
        "Words per review",
        f"Reviews by their number of words, {BIN_WORDS} words to a bar.",
    )
    return histogram("words", said, filled, "words")


def _name(category: str | None) -> str:
    return category or "(none)"


_DRAWN: Mapping[str, Callable[[Rows], Figure | None]] = {
    "sentiment": _sentiments,
    "category": _categories,
    "average": _averages,
    "category-sentiment": _divided,
    "words": _words,
}
