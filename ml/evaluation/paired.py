"""Two models on the very same test rows: how far apart they are, and whether that may be chance.

A bootstrap of rows draws nothing but how often each combination of truth and the two answers came up, so it
is drawn as that: one multinomial over the combinations that exist. The cost does not grow with the rows.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ml.evaluation.counts import Floats
from ml.evaluation.intervals import DRAWS, Figure, percentile

Codes = npt.NDArray[np.int64]


def paired_differences(
    truth: Codes, first: Codes, other: Codes, classes: int, seed: int = 0
) -> Mapping[str, Figure]:
    """``other`` minus ``first``: accuracy, macro_f1, and the F1 of each class under its number as text."""
    n = len(truth)
    cells, counts = np.unique(np.stack([truth, first, other]), axis=1, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=DRAWS)
    # The rows as they are, above the draws: the same arithmetic gives the value and its interval.
    weights = np.vstack([counts, drawn]).astype(np.float64)
    ours, theirs = (_figures(weights, cells[0], answer, classes) for answer in (cells[2], cells[1]))
    return {
        name: percentile(float(values[0]), values[1:], n)
        for name, values in ((name, ours[name] - theirs[name]) for name in ours)
    }


def _figures(weights: Floats, truth: Codes, answer: Codes, classes: int) -> dict[str, Floats]:
    """Each figure once a row of ``weights``."""
    every = np.arange(classes)
    is_truth, is_answer = (column[:, None] == every for column in (truth, answer))
    hits = weights @ (is_truth & is_answer)
    f1 = 2 * hits / np.maximum(weights @ is_truth + weights @ is_answer, 1)
    return {
        "accuracy": np.asarray(hits.sum(1) / weights.sum(1)),
        "macro_f1": np.asarray(f1.mean(1)),
        **{str(index): np.asarray(f1[:, index]) for index in range(classes)},
    }
