"""Which rows of the training part are trained on. Validation and test are never thinned out here.

Both choices take the rows with the smallest hash of a class: without replacement, and the same rows
whatever order the data set has them in.
"""

import numpy as np
import numpy.typing as npt

from ml.contract.outcome import StepRefused
from ml.features.splitting import TRAIN, UNUSED, Labels, Sides

Ranks = npt.NDArray[np.uint64]


def balanced(sides: Sides, labels: Labels, ranks: Ranks, classes: int) -> Sides:
    """As many training rows of each class as the smallest has."""
    smallest = int(np.bincount(labels[sides == TRAIN], minlength=classes).min())
    return _keep(sides, labels, ranks, [smallest] * classes)


def sampled(sides: Sides, labels: Labels, ranks: Ranks, classes: int, rows: int, power: float) -> Sides:
    """``rows`` training rows, at least one of each class.

    ``power`` 1 keeps each class's share; 0.5 draws by the square root of the class's size, so that a
    small sample still holds most of the rare classes. No class gives more rows than it has.
    """
    if rows < classes:
        raise StepRefused(
            f"train_rows is {rows}, fewer than the {classes} classes.",
            "Set train_rows to all or a larger number.",
        )
    counts = np.bincount(labels[sides == TRAIN], minlength=classes)
    return _keep(sides, labels, ranks, allotted(counts, rows, power))


def allotted(counts: npt.NDArray[np.int64], rows: int, power: float) -> list[int]:
    """How many rows each class gives. What a class lacks, the larger ones make up for."""
    rows = min(rows, int(counts.sum()))
    low, high = 0.0, float(rows)
    for _ in range(64):  # the scale at which the classes' capped shares add up to ``rows``
        scale = (low + high) / 2
        given = np.minimum(counts, scale * counts**power)
        low, high = (scale, high) if given.sum() < rows else (low, scale)
    wanted = np.maximum(1, np.floor(np.minimum(counts, high * counts**power))).astype(int)
    while wanted.sum() > rows:  # the one row of each class that a tiny sample rounds up to
        wanted[wanted.argmax()] -= 1
    spare = np.argsort(-(counts - wanted), kind="stable")
    wanted[spare[: rows - int(wanted.sum())]] += 1
    return [int(count) for count in wanted]


def _keep(sides: Sides, labels: Labels, ranks: Ranks, wanted: list[int]) -> Sides:
    kept = sides.copy()
    for label, count in enumerate(wanted):
        rows = np.flatnonzero((sides == TRAIN) & (labels == label))
        surplus = rows[np.argsort(ranks[rows], kind="stable")[count:]]
        kept[surplus] = UNUSED
    return kept
