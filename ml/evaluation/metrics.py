"""The figures of one model, and the difference between two on the same rows."""

from typing import Any

import numpy as np

from ml.evaluation.counts import accuracy_of, confusion_of, macro_f1_of, per_class_of
from ml.evaluation.intervals import BINS, Answers, Bootstrap, bins_of, calibration_error, percentile, wilson


def metrics_of(answers: Answers, labels: tuple[str, ...], bootstrap: Bootstrap) -> dict[str, Any]:
    n = len(answers.truth)
    confusion = confusion_of(answers.truth, answers.predicted, answers.classes)
    draws = per_class_of(bootstrap.confusions(answers))
    error = percentile(calibration_error(answers), bootstrap.calibration_error(answers), n)
    return {
        "accuracy": wilson(int(np.trace(confusion)), n).as_dict(),
        "macro_f1": percentile(macro_f1_of(confusion), draws[2].mean(-1), n).as_dict(),
        "ece": error.as_dict(),
        "per_class": {label: _class_figures(index, confusion, draws) for index, label in enumerate(labels)},
    }


def _class_figures(index: int, confusion: Any, draws: tuple[Any, Any, Any]) -> dict[str, Any]:
    support, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
    values = per_class_of(confusion)
    n = {"precision": predicted, "recall": support, "f1": support}
    figures = {
        name: percentile(float(value[index]), draw[:, index], n[name]).as_dict()
        for name, value, draw in zip(n, values, draws, strict=True)
    }
    return {**figures, "support": support}


def difference_of(candidate: Answers, baseline: Answers, bootstrap: Bootstrap) -> dict[str, Any]:
    """Candidate minus baseline, drawn together row by row: far narrower than two intervals side by side."""
    n = len(candidate.truth)
    confusions = [confusion_of(one.truth, one.predicted, one.classes) for one in (candidate, baseline)]
    macro_f1 = percentile(
        macro_f1_of(confusions[0]) - macro_f1_of(confusions[1]),
        bootstrap.macro_f1(candidate) - bootstrap.macro_f1(baseline),
        n,
    )
    accuracy = percentile(
        accuracy_of(confusions[0]) - accuracy_of(confusions[1]),
        bootstrap.accuracy(candidate) - bootstrap.accuracy(baseline),
        n,
    )
    return {
        "macro_f1": {**macro_f1.as_dict(), "paired": True},
        "accuracy": {**accuracy.as_dict(), "paired": True},
    }


def reliability_of(answers: Answers) -> list[dict[str, Any]]:
    """How often predictions of like confidence are right; empty bins are left out."""
    bins, hits = bins_of(answers), answers.predicted == answers.truth
    return [
        {
            "low": index / BINS,
            "high": (index + 1) / BINS,
            "confidence": float(answers.confidence[bins == index].mean()),
            "accuracy": float(hits[bins == index].mean()),
            "n": int((bins == index).sum()),
        }
        for index in np.unique(bins).tolist()
    ]
