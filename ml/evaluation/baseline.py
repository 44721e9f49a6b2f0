"""What a model has to beat: TF-IDF over words and pairs of words, and a logistic regression.

It is given every advantage that costs nothing: the same fields, all training rows (those that were
thinned out too), class weights, and C chosen on the validation part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from ml.evaluation.counts import confusion_of, macro_f1_of
from ml.features.composition import ReviewInput, joined
from ml.features.snapshot import REST, Snapshot

STRENGTHS = (1.0, 3.0, 10.0)
# The bounds of its time: rows are taken evenly from the whole when there are more.
MOST_ROWS = 200_000
MOST_TERMS = 200_000
MOST_ITERATIONS = 200
COLUMNS = ["text", "title", "label_id"]

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Baseline:
    """``probabilities`` are of the test rows; ``description`` says how it was made."""

    probabilities: npt.NDArray[np.float64]
    description: dict[str, Any]


def fit_baseline(snapshot: Snapshot, progress: Progress) -> Baseline:
    progress(0, len(STRENGTHS) + 1, "baseline: words")
    training = _evenly(_training_rows(snapshot))
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=MOST_TERMS)
    seen = words.fit_transform(_texts(training, snapshot.fields))
    truth = training["label_id"].to_numpy()
    validation = snapshot.table("validation", COLUMNS)
    checked = words.transform(_texts(validation, snapshot.fields))
    found: list[tuple[float, float, LogisticRegression]] = []
    for number, strength in enumerate(STRENGTHS):
        progress(number + 1, len(STRENGTHS) + 1, f"baseline: C = {strength:g}")
        model = LogisticRegression(C=strength, class_weight="balanced", max_iter=MOST_ITERATIONS, tol=1e-3)
        model.fit(seen, truth)
        found.append((_macro_f1(validation, model.predict(checked), snapshot), strength, model))
    best, strength, model = max(found, key=lambda one: one[0])
    test = words.transform(_texts(snapshot.table("test", COLUMNS), snapshot.fields))
    description = {
        "method": "TF-IDF of words and word pairs with logistic regression, classes weighted evenly",
        "rows": training.num_rows,
        "terms": len(words.vocabulary_),
        "C": strength,
        "validation_macro_f1": best,
    }
    return Baseline(model.predict_proba(test), description)


def _training_rows(snapshot: Snapshot) -> pa.Table:
    tables = [snapshot.table(part, COLUMNS) for part in ("train", REST) if snapshot.rows(part)]
    return pa.concat_tables(tables)


def _evenly(table: pa.Table) -> pa.Table:
    if table.num_rows <= MOST_ROWS:
        return table
    return table.take(np.linspace(0, table.num_rows - 1, MOST_ROWS).astype(np.int64))


def _texts(table: pa.Table, fields: tuple[str, ...]) -> list[str]:
    rows = zip(table["text"].to_pylist(), table["title"].to_pylist(), strict=True)
    return [joined(ReviewInput(text, title), fields) for text, title in rows]


def _macro_f1(table: pa.Table, predicted: npt.NDArray[np.int64], snapshot: Snapshot) -> float:
    return macro_f1_of(confusion_of(table["label_id"].to_numpy(), predicted, len(snapshot.labels)))
