"""The model directory: loading it needs nothing else, and it says what it was made of."""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from ml.contract.faults import faultpoint
from ml.features.snapshot import Snapshot
from ml.training.checkpoint import Position
from ml.training.classifier import Classifier, Head
from ml.training.encoders import Encoder
from ml.training.settings import TrainSettings, device_of, number_format


def write_model(
    directory: Path,
    classifier: Classifier,
    head: Head,
    encoder: Encoder,
    snapshot: Snapshot,
    settings: dict[str, Any],
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.contiguous() for name, weight in classifier.state_dict().items()}
    faultpoint("model.write")
    save_file(weights, directory / "model.safetensors", {"format": "pt"})
    names = dict(enumerate(snapshot.labels))
    config = {
        **encoder.config,
        "id2label": names,
        "label2id": {label: index for index, label in names.items()},
    }
    _write_json(directory / "config.json", config)
    _write_json(directory / "spec.json", _spec(head, encoder, snapshot, settings))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (encoder.directory / name).exists():
            shutil.copyfile(encoder.directory / name, directory / name)


def _spec(head: Head, encoder: Encoder, snapshot: Snapshot, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": 1,
        "labels": list(snapshot.labels),
        "fields": list(snapshot.fields),
        "max_seq_length": snapshot.limit,
        "encoder": encoder.name,
        "pad_id": int(encoder.config.get("pad_token_id") or 0),
        "pooling": "mean",
        "head": {"kind": head.kind, "outputs": list(head.names), "label_of": list(head.label_of)},
        "tokenizer_sha256": snapshot.description["tokenizer_sha256"],
        "features_sha256": snapshot.sha256,
        "dataset_sha256": snapshot.description["dataset_sha256"],
        "seed": settings["seed"],
        "parameters": settings,
    }


def _write_json(path: Path, value: object) -> None:
    faultpoint("model.describe")
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def write_history(
    path: Path, position: Position, settings: TrainSettings, rows: int, export_difference: float
) -> None:
    device = device_of()
    history = {
        "epochs": position.epochs,
        "best_epoch": position.best_epoch,
        "steps": position.step,
        "rows": rows,
        "device": device.type,
        "precision": str(number_format(settings.precision, device)).removeprefix("torch."),
        "export_difference": export_difference,
    }
    _write_json(path, history)
