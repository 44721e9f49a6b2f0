"""How the model does on parts of the test rows: by category and by length, each with its interval and n.

A mean over all reviews hides a category where it fails. Slices are small, so their intervals are the point.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.evaluation.intervals import Answers, wilson
from ml.evaluation.proportion import paired_interval

CATEGORIES_SHOWN = 12  # the largest ones; a table of a thousand is not read
LENGTHS = ((0, 30, "under 30 words"), (30, 90, "30–89 words"), (90, None, "90 words or more"))

Mask = npt.NDArray[np.bool_]


def slices_of(rows: pa.Table, candidate: Answers, baseline: Answers) -> list[dict[str, Any]]:
    """``rows`` are the test rows in the order of the answers."""
    right, theirs = (one.predicted == one.truth for one in (candidate, baseline))
    parts = [*_by_category(rows["category"].to_pylist()), *_by_length(rows["text"].to_pylist())]
    return [
        {"dimension": dimension, "slice": name, **_figures(right[mask], theirs[mask])}
        for dimension, name, mask in parts
        if mask.any()
    ]


def _figures(right: Mask, theirs: Mask) -> dict[str, Any]:
    n, gained, lost = len(right), int((right & ~theirs).sum()), int((theirs & ~right).sum())
    value, low, high = paired_interval(n, gained, lost)
    return {
        "n": n,
        "accuracy": wilson(int(right.sum()), n).as_dict(),
        "baseline": wilson(int(theirs.sum()), n).as_dict(),
        "difference": {"value": value, "low": low, "high": high, "n": n, "paired": True},
    }


def _by_category(categories: Sequence[str | None]) -> Iterator[tuple[str, str, Mask]]:
    """Nothing where nobody mapped a category, or where all reviews have the same one."""
    known = np.array([category or "" for category in categories], dtype=object)
    names, counts = np.unique([name for name in known if name], return_counts=True)
    if len(names) < 2:
        return
    for place in np.argsort(-counts, kind="stable")[:CATEGORIES_SHOWN]:
        yield "category", str(names[place]), np.asarray(known == names[place], dtype=np.bool_)


def _by_length(texts: Sequence[str]) -> Iterator[tuple[str, str, Mask]]:
    words = np.array([len(text.split()) for text in texts])
    for least, most, name in LENGTHS:
        yield "length", name, (words >= least) & (words < (most if most is not None else np.inf))
