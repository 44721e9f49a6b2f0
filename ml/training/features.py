"""From the snapshot's Parquet to what the loop trains on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.contract.outcome import StepRefused
from ml.features.snapshot import REST, Snapshot
from ml.training.batching import TokenRows
from ml.training.classifier import Head
from ml.training.loop import Part
from ml.training.settings import TrainSettings

COLUMNS = ["input_ids", "label_id", "rating"]


@dataclass(frozen=True)
class TrainingData:
    training: Part
    validation: Part
    head: Head
    weights: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.float64]


def load_training_data(snapshot: Snapshot, settings: TrainSettings, pad_id: int) -> TrainingData:
    tables = {part: snapshot.table(part, COLUMNS) for part in ("train", "validation")}
    by_label = Head.of_labels(snapshot.labels)
    by_star = _stars_head(tables["train"], snapshot.labels) if settings.head == "stars" else None
    head = by_star or by_label
    training = _part(tables["train"], head, pad_id)
    weights = class_weights(training.labels, len(snapshot.labels), settings.class_weight_power)
    offsets = prior_offsets(snapshot, weights, settings.prior_correction)
    return TrainingData(training, _part(tables["validation"], by_label, pad_id), head, weights, offsets)


def _stars_head(table: pa.Table, labels: tuple[str, ...]) -> Head | None:
    """A head over the ratings; None where some are missing, contradict the labels, or say no more."""
    if table["rating"].null_count:
        return None
    pairs = np.unique(np.stack([table["rating"].to_numpy(), table["label_id"].to_numpy()]), axis=1).T
    ratings = [int(rating) for rating, _ in pairs]
    if len(set(ratings)) < len(ratings) or len(ratings) <= len(labels):
        return None
    return Head(
        "stars", tuple(str(rating) for rating in ratings), tuple(int(label) for _, label in pairs), labels
    )


def _part(table: pa.Table, head: Head, pad_id: int) -> Part:
    if not table.num_rows:
        raise StepRefused("The features hold no rows to train on.", "Run the prepare step again.")
    labels = table["label_id"].to_numpy().astype(np.int64)
    return Part(TokenRows.of(table["input_ids"], pad_id), _targets(table, labels, head), labels)


def _targets(table: pa.Table, labels: npt.NDArray[np.int64], head: Head) -> npt.NDArray[np.int64]:
    if head.kind == "label":
        return labels
    ratings = np.array([int(name) for name in head.names])
    return np.asarray(np.searchsorted(ratings, table["rating"].to_numpy()), dtype=np.int64)


def class_weights(labels: npt.NDArray[np.int64], classes: int, power: float) -> npt.NDArray[np.float64]:
    """Weights by label, of mean 1 over the training rows, so that they don't change the learning rate."""
    counts = np.bincount(labels, minlength=classes)
    weights = (len(labels) / np.maximum(counts, 1)) ** power
    return np.asarray(weights / (weights * counts).sum() * len(labels))


def prior_offsets(
    snapshot: Snapshot, weights: npt.NDArray[np.float64], share: float
) -> npt.NDArray[np.float64]:
    """What to add to each label's score so that the labels' shares of the whole training side hold again."""
    parts = snapshot.description["parts"]
    trained = np.array([parts["train"]["labels"][label] for label in snapshot.labels]) * weights
    left_out = parts.get(REST, {"labels": {}})["labels"]
    found = np.array([parts["train"]["labels"][label] + left_out.get(label, 0) for label in snapshot.labels])
    return np.asarray(share * (np.log(found / found.sum()) - np.log(trained / trained.sum())))
