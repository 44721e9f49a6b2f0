"""A small but real model: word weights as an ONNX graph, a real tokenizer, evaluated by the real predictor.

It learns in milliseconds, so tests of the web application need neither torch nor a training step; the
flows under tests/flows run the whole chain.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from app.core.services import NativeCall, Services
from app.core.storage import Tree
from ml.data.labels import BY_RATING
from ml.serving.predictor import Predictor, ReviewInput

LIMIT = 16

GOOD = ("lovely", "gorgeous", "perfect", "soft", "flattering", "favorite", "comfortable")
BAD = ("itchy", "torn", "huge", "returned", "disappointed", "cheap", "scratchy")
FINE = ("okay", "average", "plain", "fine", "decent", "ordinary", "acceptable")
THINGS = ("dress", "blouse", "skirt", "sweater", "jacket", "top", "coat", "shirt")


@dataclass(frozen=True)
class Review:
    id: str
    text: str
    title: str
    label: str


def reviews(count: int = 240) -> list[Review]:
    """Every kind equally often; one in six says the words of another kind."""
    words = dict(zip(BY_RATING, (BAD, FINE, GOOD), strict=True))
    found = []
    for number in range(count):
        label = BY_RATING[number % 3]
        said = BY_RATING[(number + 1) % 3] if number % 6 == 5 else label
        word, thing = words[said][number % 7], THINGS[number % 8]
        text = f"The {thing} is {word} and I bought number {number}, so much for a {thing} like that."
        found.append(Review(f"r{number}", text, f"A {word} {thing}", label))
    return found


@dataclass(frozen=True)
class Artifacts:
    """The trees that the register step is given."""

    inputs: Mapping[str, Tree]
    test: Sequence[Review]


def make_artifacts(
    services: Services,
    directory: Path,
    given: Sequence[Review],
    *,
    fields: Sequence[str] = ("text",),
    taught: int | None = None,
    limit: int = LIMIT,
) -> Artifacts:
    """Teach on ``taught`` of the first two thirds, evaluate on the rest, store everything as steps do."""
    cut = len(given) * 2 // 3
    train, test = given[:cut], given[cut:]
    directory.mkdir(parents=True, exist_ok=True)
    _write_dataset(directory / "dataset", given)
    _write_features(directory / "features", train, test, fields, limit)
    write_model(directory / "model", train[: taught or cut], fields, limit)
    _write_evaluation(directory / "evaluation", directory / "model", test)
    return Artifacts({name: _store(services, directory / name) for name in _INPUTS}, test)


_INPUTS = ("dataset", "features", "model", "evaluation")


def call_of(
    artifacts: Artifacts,
    author_id: str,
    *,
    model: str = "clothing",
    step: str = "1",
    dataset_version_id: str | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> NativeCall:
    return NativeCall(
        run_id=f"run_{step}",
        step_id=f"step_{step}",
        actor_id=author_id,
        subject_id=dataset_version_id,
        parameters={"model": model, "max_seq_length": LIMIT, "min_accuracy_value": 0.33},
        arguments=arguments or {"model_approval_status": "PendingManualApproval"},
        inputs=artifacts.inputs,
        programs={"prepare": "a" * 64, "train": "b" * 64, "evaluate": "c" * 64},
    )


def _store(services: Services, directory: Path) -> Tree:
    files = {str(path.relative_to(directory)): path for path in directory.rglob("*") if path.is_file()}
    return services.storage.put_tree(files)


def _write_dataset(directory: Path, given: Sequence[Review]) -> None:
    directory.mkdir()
    _parquet(directory / "reviews-00000.parquet", [_row(review) for review in given])
    content = hashlib.sha256((directory / "reviews-00000.parquet").read_bytes()).hexdigest()
    _json(directory / "version.json", {"rows": len(given), "content_sha256": content})


def _write_features(
    directory: Path, train: Sequence[Review], test: Sequence[Review], fields: Sequence[str], limit: int
) -> None:
    (directory / "features").mkdir(parents=True)
    _parquet(directory / "features/train-00000.parquet", [_row(review) for review in train])
    _parquet(directory / "features/test-00000.parquet", [_row(review) for review in test])
    _json(directory / "snapshot.json", {"fields": list(fields), "max_seq_length": limit})


def write_model(directory: Path, taught: Sequence[Review], fields: Sequence[str], limit: int) -> None:
    directory.mkdir()
    words = Counter(word for review in taught for word in _words(review, fields))
    names = ["[PAD]", "[UNK]", *sorted(word for word, _ in words.most_common(5000))]
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(directory / "tokenizer.json"))
    onnx.save(_graph(_weights(taught, fields, vocabulary)), directory / "model.onnx")
    spec = {
        "format": 1,
        "labels": list(BY_RATING),
        "fields": list(fields),
        "max_seq_length": limit,
        "pad_id": 0,
        "tokenizer_sha256": hashlib.sha256((directory / "tokenizer.json").read_bytes()).hexdigest(),
    }
    _json(directory / "spec.json", spec)
    _json(directory / "config.json", {"id2label": dict(enumerate(BY_RATING))})


def _words(review: Review, fields: Sequence[str]) -> list[str]:
    text = f"{review.title} {review.text}" if "title" in fields else review.text
    cleaned = "".join(each if each.isalnum() else " " for each in text.lower())
    return cleaned.split()


def _weights(taught: Sequence[Review], fields: Sequence[str], vocabulary: Mapping[str, int]) -> Any:
    """Log-odds of each word for each label: naive Bayes, tempered."""
    counts = np.ones((len(vocabulary), len(BY_RATING)))
    for review in taught:
        for word in set(_words(review, fields)) & set(vocabulary):
            counts[vocabulary[word], BY_RATING.index(review.label)] += 1
    odds = np.log(counts / counts.sum(axis=0))
    return (0.6 * (odds - odds.mean(axis=1, keepdims=True))).astype(np.float32)


def _graph(weights: Any) -> Any:
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "length"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["n", "length"])
    answer = helper.make_tensor_value_info("log_probabilities", TensorProto.FLOAT, ["n", len(BY_RATING)])
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["each"]),
        helper.make_node("Cast", ["attention_mask"], ["read"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["read", "last"], ["kept"]),
        helper.make_node("Mul", ["each", "kept"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "middle"], ["sums"], keepdims=0),
        helper.make_node("LogSoftmax", ["sums"], ["log_probabilities"], axis=-1),
    ]
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([2], dtype=np.int64), "last"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "middle"),
    ]
    graph = helper.make_graph(nodes, "words", [ids, mask], [answer], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _write_evaluation(directory: Path, model: Path, test: Sequence[Review]) -> None:
    directory.mkdir()
    predictions = Predictor.load(model).predict([ReviewInput(each.text, each.title) for each in test])
    rows = [
        {
            "review_id": review.id,
            "label": review.label,
            "predicted": prediction.label,
            **{f"p_{label}": prediction.scores[label] for label in BY_RATING},
        }
        for review, prediction in zip(test, predictions, strict=True)
    ]
    _parquet(directory / "predictions.parquet", rows)
    cut = sum(prediction.truncated for prediction in predictions)
    pairs = [(row["label"], row["predicted"]) for row in rows]
    _json(directory / "evaluation.json", _evaluation(pairs, cut, predictions[0].limit))


def _evaluation(pairs: Sequence[tuple[str, str]], cut: int, limit: int) -> dict[str, Any]:
    """In the shape of ml.evaluation; the baseline always answers with the first label."""
    guesses = [(truth, BY_RATING[-1]) for truth, _ in pairs]
    return {
        "metrics": _metrics(pairs),
        "baseline": _metrics(guesses),
        "difference": {
            "accuracy": _difference(pairs, guesses),
            "macro_f1": _difference(pairs, guesses),
        },
        "labels": list(BY_RATING),
        "split": "test",
        "n": len(pairs),
        "truncated": {"rows": cut, "share": cut / len(pairs), "limit": limit},
        "verdict": "Better than the baseline.",
    }


def _metrics(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    per_class = {}
    for label in BY_RATING:
        hits = sum(pair == (label, label) for pair in pairs)
        support = sum(truth == label for truth, _ in pairs)
        named = sum(predicted == label for _, predicted in pairs)
        recall, precision = hits / max(1, support), hits / max(1, named)
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        per_class[label] = {
            "precision": _interval(precision, named),
            "recall": _interval(recall, support),
            "f1": _interval(f1, support),
            "support": support,
        }
    accuracy = sum(truth == predicted for truth, predicted in pairs) / len(pairs)
    mean = sum(row["f1"]["value"] for row in per_class.values()) / len(per_class)
    return {
        "accuracy": _interval(accuracy, len(pairs)),
        "macro_f1": _interval(mean, len(pairs)),
        "ece": _interval(0.06, len(pairs)),
        "per_class": per_class,
    }


def _interval(value: float, n: int) -> dict[str, Any]:
    error = 1.96 * math.sqrt(value * (1 - value) / max(1, n))
    return {"value": value, "low": max(0.0, value - error), "high": min(1.0, value + error), "n": n}


def _difference(mine: Sequence[tuple[str, str]], theirs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    pairs = list(zip(mine, theirs, strict=True))
    up = sum(a[0] == a[1] and b[0] != b[1] for a, b in pairs)
    down = sum(a[0] != a[1] and b[0] == b[1] for a, b in pairs)
    n = len(pairs)
    value, error = (up - down) / n, 1.96 * math.sqrt(up + down) / n
    return {"value": value, "low": value - error, "high": value + error, "n": n, "paired": True}


def _row(review: Review) -> dict[str, str]:
    return {"review_id": review.id, "text": review.text, "title": review.title, "label": review.label}


def _parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)


def _json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
