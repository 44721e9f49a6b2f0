"""What an approval rests on, by hash: data set, features, programs, parameters, evaluation, weights.

The document is written once, when a version is registered. A decision reads everything it names again;
each load of the model reads the model's files again. One flipped byte and the version is void.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid
from app.core.services import NativeCall
from app.core.storage import ArtifactDamaged, Storage, StoredFile, Tree, tree_of

JSON_LIMIT = 8 * 1024 * 1024  # an evaluation of a hundred classes has 200 kB
MODEL_FILES = ("model.onnx", "spec.json")
EVALUATION = "evaluation.json"
PREDICTIONS = "predictions.parquet"
SNAPSHOT = "snapshot.json"
VERSION = "version.json"


class EvidenceChanged(Exception):
    """A file or the document itself is no longer what was registered. The text says which."""


def gather(storage: Storage, call: NativeCall) -> dict[str, Any]:
    """The evidence of a version that is being registered."""
    dataset, features = call.inputs["dataset"], call.inputs["features"]
    evaluation, model = call.inputs["evaluation"], call.inputs["model"]
    for path in MODEL_FILES:
        model.find(path)
    return {
        "format": 1,
        "dataset": {
            "version_id": call.subject_id,
            "content_sha256": read_json(storage, dataset.find(VERSION)).get("content_sha256"),
            "tree_sha256": dataset.sha256,
            "file": _entry(dataset.find(VERSION)),
        },
        "features": {"tree_sha256": features.sha256, "file": _entry(features.find(SNAPSHOT))},
        "programs": dict(sorted(call.programs.items())),
        "parameters": dict(sorted(call.parameters.items())),
        "evaluation": {
            "tree_sha256": evaluation.sha256,
            "file": _entry(evaluation.find(EVALUATION)),
            "predictions": _entry(evaluation.find(PREDICTIONS)),
        },
        "model": [_entry(file) for file in model.files],
    }


def digest(evidence: Mapping[str, Any]) -> str:
    canonical = json.dumps(evidence, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def model_tree(evidence: Mapping[str, Any]) -> Tree:
    return tree_of([_file(entry) for entry in evidence["model"]])


def named_files(evidence: Mapping[str, Any]) -> list[StoredFile]:
    """Every file that the document names, the model's among them.

    The shards of the data set and of the features are named through version.json and snapshot.json,
    whose hashes of them each step checks when it reads them.
    """
    single = (
        evidence["dataset"]["file"],
        evidence["features"]["file"],
        evidence["evaluation"]["file"],
        evidence["evaluation"]["predictions"],
    )
    return [*(_file(entry) for entry in single), *model_tree(evidence).files]


def missing(storage: Storage, evidence: Mapping[str, Any]) -> frozenset[str]:
    """Paths of named files that are not stored any more. Whether the others are whole is not read here."""
    return frozenset(file.path for file in named_files(evidence) if not storage.has(file.sha256))


def check(storage: Storage, evidence: Mapping[str, Any], expected: str) -> None:
    """Read everything again. A file that is merely absent raises NotFound: it may come back."""
    check_document(evidence, expected)
    for file in named_files(evidence):
        check_file(storage, file)


def check_document(evidence: Mapping[str, Any], expected: str) -> None:
    if digest(evidence) != expected:
        raise EvidenceChanged("The evidence itself was changed after it was recorded.")


def check_file(storage: Storage, file: StoredFile) -> None:
    try:
        storage.verify(file.sha256)
    except ArtifactDamaged as damage:
        found = str(damage.details.get("found", ""))[:12]
        raise EvidenceChanged(
            f"{file.path} has changed: it was {file.sha256[:12]}… and is now {found}…."
        ) from None


def read_json(storage: Storage, file: StoredFile) -> dict[str, Any]:
    if file.size > JSON_LIMIT:
        raise Invalid(f"{file.path} has {file.size:,} bytes, more than {JSON_LIMIT:,}.")
    content: dict[str, Any] = json.loads(storage.read_bytes(file.sha256))
    return content


def evaluation_of(storage: Storage, evidence: Mapping[str, Any]) -> dict[str, Any]:
    return read_json(storage, _file(evidence["evaluation"]["file"]))


def predictions_file(evidence: Mapping[str, Any]) -> StoredFile:
    return _file(evidence["evaluation"]["predictions"])


def test_files(storage: Storage, evidence: Mapping[str, Any]) -> list[StoredFile]:
    """The rows of the test split with their texts."""
    files = storage.tree(evidence["features"]["tree_sha256"]).files
    return [file for file in files if file.path.rsplit("/", 1)[-1].startswith("test-")]


def _entry(file: StoredFile) -> dict[str, Any]:
    return {"path": file.path, "sha256": file.sha256, "size": file.size}


def _file(entry: Mapping[str, Any]) -> StoredFile:
    return StoredFile(entry["path"], entry["sha256"], entry["size"])
