"""A model directory and its features in, a report out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ml.contract.outcome import StepRefused
from ml.evaluation.baseline import fit_baseline
from ml.evaluation.intervals import Answers
from ml.evaluation.report import evaluation_of, write_report
from ml.features.snapshot import Snapshot
from ml.serving.predictor import BrokenModel, Prediction, Predictor, ReviewInput

ROWS_AT_ONCE = 64  # a progress line about every second
COLUMNS = ["review_id", "row", "label", "label_id", "text", "title", "category"]

Progress = Callable[[int, int, str], None]


def evaluate_model(
    model: Path, features: Path, seed: int, threads: int, output: Path, progress: Progress
) -> dict[str, Any]:
    snapshot = Snapshot.open(features)
    predictor = _predictor(model, snapshot, threads)
    test = snapshot.table("test", COLUMNS)
    predictions = predict_table(predictor, test, progress)
    truth = test["label_id"].to_numpy().astype(np.int64)
    scores = [[one.scores[label] for label in snapshot.labels] for one in predictions]
    candidate = Answers(truth, np.array(scores))
    baseline = fit_baseline(snapshot, progress)
    truncated = sum(one.truncated for one in predictions)
    details = {
        "truncated": {"rows": truncated, "share": truncated / len(predictions), "limit": predictor.limit},
        "baseline_description": baseline.description,
        "features_sha256": snapshot.sha256,
    }
    progress(0, 0, "intervals")
    paired = Answers(truth, baseline.probabilities)
    evaluation = evaluation_of(candidate, paired, snapshot.labels, seed, test, details)
    write_report(output, evaluation, test, candidate, paired, snapshot.labels)
    return evaluation


def _predictor(model: Path, snapshot: Snapshot, threads: int) -> Predictor:
    """The model must have been made from these very features, or its figures would mean nothing."""
    try:
        predictor = Predictor.load(model, threads)
    except BrokenModel as error:
        raise StepRefused(str(error), "Run the train step again.") from error
    made_from = json.loads((model / "spec.json").read_text(encoding="utf-8"))["features_sha256"]
    if made_from != snapshot.sha256:
        raise StepRefused(
            "The model was trained on other features than these.",
            "Run the train step again on these features.",
        )
    return predictor


def predict_table(predictor: Predictor, table: pa.Table, progress: Progress) -> list[Prediction]:
    """Rows go in by length, so a slice of them holds little padding; they come back in their order."""
    lengths = np.array([len(text) for text in table["text"].to_pylist()])
    order = np.argsort(lengths, kind="stable")
    rows = table.select(["text", "title"]).to_pylist()
    found: dict[int, Prediction] = {}
    for start in range(0, len(order), ROWS_AT_ONCE):
        chunk = order[start : start + ROWS_AT_ONCE].tolist()
        answers = predictor.predict([ReviewInput(rows[row]["text"], rows[row]["title"]) for row in chunk])
        found.update(zip(chunk, answers, strict=True))
        progress(len(found), len(order), "predicting")
    return [found[row] for row in range(len(order))]
