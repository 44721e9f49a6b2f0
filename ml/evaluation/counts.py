"""Figures that follow from a confusion matrix. Truth stands in the rows, everywhere."""

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def confusion_of(truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int) -> Counts:
    cells = np.bincount(truth.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes)


def per_class_of(confusion: Counts) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 by class, over the last two axes; what has no rows counts as 0."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(float)
    truth, predicted = confusion.sum(-1), confusion.sum(-2)
    precision = hits / np.maximum(predicted, 1)
    recall = hits / np.maximum(truth, 1)
    f1 = 2 * hits / np.maximum(truth + predicted, 1)
    return precision, recall, f1


def accuracy_of(confusion: Counts) -> float:
    return float(np.trace(confusion) / max(1, confusion.sum()))


def macro_f1_of(confusion: Counts) -> float:
    return float(per_class_of(confusion)[2].mean())
