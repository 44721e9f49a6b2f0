"""What a version's page shows of its rows, counted while they are read: once, on a worker, in bounded memory.

Counts are of all rows. Lengths are of a sample where there are very many: tokens are the one thing here
that takes time.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import NamedTuple

from ml.data.canonical import Row

# The tokens that a model would be given of each review, special ones included.
CountTokens = Callable[[Sequence[Row]], Sequence[int]]

MAX_CATEGORIES = 1000  # more than anybody reads; an id that was taken for a category has millions
SHOWN_CATEGORIES = 40
SAMPLE = 25_000
BATCH = 256
BINS = 25
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
LIMITS = (64, 96, 128, 160, 192, 256, 384, 512)  # of max_seq_length


class Length(NamedTuple):
    words: int
    tokens: int


class Summary:
    """Fed with every kept row. Without ``count_tokens`` it knows words only."""

    def __init__(self, count_tokens: CountTokens | None = None, sample: int = SAMPLE) -> None:
        self.ratings: Counter[int] = Counter()
        self.categories: dict[str, Counter[str]] = {}
        self.uncounted = 0  # rows of categories that came after the first thousand
        self.without = Counter[str]()
        self.lengths = _Lengths(count_tokens, sample)

    def add(self, row: Row) -> None:
        if row.rating is not None:
            self.ratings[row.rating] += 1
        if row.title is None:
            self.without["title"] += 1
        self._add_category(row)
        self.lengths.add(row)

    def _add_category(self, row: Row) -> None:
        if row.category is None:
            self.without["category"] += 1
        elif row.category in self.categories or len(self.categories) < MAX_CATEGORIES:
            self.categories.setdefault(row.category, Counter())[row.label] += 1
        else:
            self.uncounted += 1

    def facts(self, labels: Sequence[str]) -> dict[str, object]:
        return {
            "ratings": {str(stars): self.ratings[stars] for stars in range(1, 6)} if self.ratings else {},
            "without": {"title": self.without["title"], "category": self.without["category"]},
            "categories": self._largest(labels),
            "lengths": self.lengths.facts(),
        }

    def _largest(self, labels: Sequence[str]) -> dict[str, object]:
        ordered = sorted(self.categories.items(), key=lambda each: (-each[1].total(), each[0]))
        shown = ordered[:SHOWN_CATEGORIES]
        others = sum(counts.total() for _, counts in ordered[SHOWN_CATEGORIES:]) + self.uncounted
        return {
            "known": len(ordered),
            "more": self.uncounted > 0,
            "others": others,
            "rows": [{"name": name, "counts": [counts[label] for label in labels]} for name, counts in shown],
        }


class _Lengths:
    """Every n-th row, n doubling whenever the sample has grown to twice its size."""

    def __init__(self, count_tokens: CountTokens | None, size: int) -> None:
        self._count_tokens = count_tokens
        self._size = size
        self._stride = 1
        self._rows = 0
        self._waiting: list[Row] = []
        self._found: list[Length] = []

    def add(self, row: Row) -> None:
        if self._rows % self._stride == 0:
            self._waiting.append(row)
            if len(self._waiting) == BATCH:
                self._measure()
        self._rows += 1

    def _measure(self) -> None:
        tokens = self._count_tokens(self._waiting) if self._count_tokens else [0] * len(self._waiting)
        words = [len(row.text.split()) + len((row.title or "").split()) for row in self._waiting]
        self._found += map(Length, words, tokens)
        self._waiting = []
        if len(self._found) >= 2 * self._size:
            self._found = self._found[::2]
            self._stride *= 2

    def facts(self) -> dict[str, object]:
        self._measure()
        words = sorted(length.words for length in self._found)
        if not words:
            return {}
        edges = _edges(words)
        return {
            "reviews": len(words),
            "of": self._rows,
            "median": median(words),
            "mean": round(fmean(words), 1),
            "longest": words[-1],
            "edges": edges,
            "counts": _binned(words, edges),
            "cuts": [self._cut(limit, edges) for limit in LIMITS] if self._count_tokens else [],
        }

    def _cut(self, limit: int, edges: Sequence[int]) -> dict[str, object]:
        """Reviews that are longer than ``limit`` tokens, and where among the words that limit stands."""
        cut = sorted(length.words for length in self._found if length.tokens > limit)
        return {
            "limit": limit,
            "reviews": len(cut),
            "words": _words_of(self._found, limit),
            "counts": _binned(cut, edges),
        }


def _edges(ordered: Sequence[int]) -> list[int]:
    """Bins of one round width. The last one, without an upper edge, takes the longest 0.2 %."""
    top = ordered[min(len(ordered) - 1, int(len(ordered) * 0.998))] + 1
    step = next((step for step in STEPS if step * BINS >= top), STEPS[-1])
    return [step * place for place in range(min(BINS, -(-top // step)) + 1)]


def _binned(ordered: Sequence[int], edges: Sequence[int]) -> list[int]:
    """How many of the ordered values lie in ``[edge, next edge)``, and last how many lie behind."""
    below = [bisect_left(ordered, edge) for edge in edges]
    return [end - start for start, end in pairwise(below)] + [len(ordered) - below[-1]]


def _words_of(lengths: Sequence[Length], limit: int) -> float | None:
    """The words that fill ``limit`` tokens, by the mean of the reviews near it; None where none is near."""
    near = [length.words / length.tokens for length in lengths if limit * 0.8 <= length.tokens <= limit * 1.2]
    return round(fmean(near) * limit, 1) if len(near) >= 10 else None
