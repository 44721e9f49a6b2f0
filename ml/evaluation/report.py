"""evaluation.json and predictions.parquet: what the gate reads, the report shows and anyone may check."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.contract.faults import faultpoint
from ml.evaluation.counts import confusion_of
from ml.evaluation.curves import coverage_of, curves_of
from ml.evaluation.intervals import LEVEL, METHOD, Answers, Bootstrap
from ml.evaluation.metrics import difference_of, metrics_of, reliability_of
from ml.evaluation.proportion import mcnemar
from ml.evaluation.slices import slices_of

MINUS = "−"
ROWS_A_GROUP = 10_000  # the report's page reads the file in such pieces
COPIED = ("review_id", "row", "label", "category", "title", "text")


def evaluation_of(
    candidate: Answers,
    baseline: Answers,
    labels: tuple[str, ...],
    seed: int,
    rows: pa.Table,
    details: Mapping[str, Any],
) -> dict[str, Any]:
    n = len(candidate.truth)
    bootstrap = Bootstrap(n, seed)
    metrics = metrics_of(candidate, labels, bootstrap)
    difference = difference_of(candidate, baseline, bootstrap)
    largest = int(np.bincount(candidate.truth).max())
    return {
        "metrics": metrics,
        "baseline": metrics_of(baseline, labels, bootstrap),
        "difference": difference,
        "paired": paired_of(candidate, baseline),
        "confusion": _confusion(candidate, labels),
        "baseline_confusion": _confusion(baseline, labels),
        "reliability": reliability_of(candidate),
        "baseline_reliability": reliability_of(baseline),
        "coverage": coverage_of(candidate),
        "curves": curves_of(candidate, labels),
        "slices": slices_of(rows, candidate, baseline),
        "labels": list(labels),
        "split": "test",
        "n": n,
        "interval": {"level": LEVEL, "method": METHOD},
        "always_majority": {"accuracy": largest / n},
        "chance": chance_of(metrics, len(labels)),
        "verdict": verdict_of(difference["macro_f1"]),
        **details,
    }


def paired_of(candidate: Answers, baseline: Answers) -> dict[str, Any]:
    """Which reviews only one of the two gets right, and how often chance alone is as uneven (McNemar)."""
    right, theirs = (one.predicted == one.truth for one in (candidate, baseline))
    gained, lost = int((right & ~theirs).sum()), int((theirs & ~right).sum())
    both = int((right & theirs).sum())
    return {"gained": gained, "lost": lost, "both": both, "n": len(right), "chance": mcnemar(gained, lost)}


def chance_of(metrics: Mapping[str, Any], classes: int) -> dict[str, float]:
    """No way of answering without reading the review is expected to exceed a macro-F1 of 1/K.

    ``macro_f1_margin`` is how far the lower end of the interval stands above it: what the gate reads.
    """
    guessing = 1 / classes
    return {"macro_f1": guessing, "macro_f1_margin": metrics["macro_f1"]["low"] - guessing}


def verdict_of(difference: Mapping[str, Any]) -> str:
    value, low, high = (difference[name] for name in ("value", "low", "high"))
    shown = f"{value:+.3f}, 95\u00a0%\u00a0interval {low:+.3f} to {high:+.3f}".replace("-", MINUS)
    interval = f"macro-F1 {shown}, n\u00a0=\u00a0{difference['n']:,}"
    if low > 0:
        return f"Better than the TF-IDF baseline ({interval})."
    if high < 0:
        return f"Worse than the TF-IDF baseline ({interval}): don't let it out."
    side = "better" if value > 0 else "worse" if value < 0 else "different"
    return f"Not clearly {side} than the TF-IDF baseline: the difference may be chance ({interval})."


def _confusion(answers: Answers, labels: tuple[str, ...]) -> dict[str, Any]:
    matrix = confusion_of(answers.truth, answers.predicted, answers.classes)
    return {"labels": list(labels), "rows_are": "truth", "matrix": matrix.tolist()}


def write_report(
    directory: Path,
    evaluation: Mapping[str, Any],
    rows: pa.Table,
    candidate: Answers,
    baseline: Answers,
    labels: tuple[str, ...],
) -> None:
    """Texts stand beside the answers: a mistake can be read without looking for its review elsewhere."""
    text = json.dumps(evaluation, indent=1)
    faultpoint("evaluation.write")
    (directory / "evaluation.json").write_text(text, encoding="utf-8")
    columns: dict[str, Any] = {name: rows[name] for name in COPIED}
    columns["predicted"] = pa.array([labels[index] for index in candidate.predicted])
    columns["baseline"] = pa.array([labels[index] for index in baseline.predicted])
    for index, label in enumerate(labels):
        columns[f"p_{label}"] = pa.array(candidate.probabilities[:, index])
    path = directory / "predictions.parquet"
    faultpoint("predictions.write")
    pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=ROWS_A_GROUP)
