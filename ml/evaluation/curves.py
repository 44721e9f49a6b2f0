"""What a threshold buys: coverage against accuracy, and by class precision against recall and the ROC.

Each curve is read at the same few places, so a table of them can be read and the file stays small.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ml.evaluation.counts import Floats
from ml.evaluation.intervals import Answers, wilson

THRESHOLDS = (*(round(0.05 * step, 2) for step in range(20)), 0.98)
GRID = tuple(round(0.05 * step, 2) for step in range(21))


def coverage_of(answers: Answers) -> list[dict[str, Any]]:
    """Of the answers at least so sure: their share of all, and the share of them that is right."""
    hits, sure = answers.predicted == answers.truth, answers.confidence
    found = []
    for threshold in THRESHOLDS:
        answered = sure >= threshold
        n = int(answered.sum())
        if threshold < 1 / answers.classes or not n:
            continue  # below guessing nothing is ever left out
        right = wilson(int(hits[answered].sum()), n)
        found.append({"threshold": threshold, "answered": n / len(hits), "accuracy": right.as_dict()})
    return found


def curves_of(answers: Answers, labels: tuple[str, ...]) -> dict[str, Any]:
    classes = {
        label: _curves(answers.truth == index, answers.probabilities[:, index])
        for index, label in enumerate(labels)
    }
    return {"grid": list(GRID), "classes": classes}


def _curves(positive: npt.NDArray[np.bool_], score: Floats) -> dict[str, Any]:
    """``precision`` at each recall of the grid, ``sensitivity`` at each false positive rate of it."""
    hits, misses = _counts(positive, score)
    recall, precision = hits / max(1, hits[-1]), hits / (hits + misses)
    rate = misses / max(1, misses[-1])
    # Interpolated as usual: the best precision that some threshold reaches at this recall or beyond.
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at_recall = best[np.minimum(np.searchsorted(recall, GRID, side="left"), len(best) - 1)]
    return {
        "n": int(positive.sum()),
        "average_precision": float((np.diff(recall, prepend=0) * precision).sum()),
        "auc": float(np.trapezoid(np.append(0.0, recall), np.append(0.0, rate))),
        "precision": np.round(at_recall, 4).tolist(),
        "sensitivity": np.round(np.interp(GRID, np.append(0.0, rate), np.append(0.0, recall)), 4).tolist(),
    }


def _counts(positive: npt.NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats]:
    """Rows of the class and other rows above each threshold; equal scores fall on the same side."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    hits = np.cumsum(positive[order])[ends].astype(float)
    return hits, ends + 1 - hits
