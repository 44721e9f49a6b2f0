"""The real trainer on the real encoder cut to two layers: checkpoints, weights and export by the contract."""

import os
from pathlib import Path

from safetensors import safe_open

import ml.steps.prepare
import ml.steps.train
from ml.contract.outcome import EXIT_OK, run_program
from ml.data.importing import Upload, import_upload
from ml.data.sample import write_sample
from ml.pipeline.definition import ProgramStep
from ml.pipeline.resolve import as_strings, resolve_arguments, resolve_parameters
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER
from ml.serving.predictor import Predictor
from ml.training.checkpoint import NAME as CHECKPOINT
from tests.ml.conftest import SMALL, contract
from tests.small_encoder import write_small_encoder

FILES = {"config.json", "model.onnx", "model.safetensors", "spec.json", "tokenizer.json"}


def prepare(home: Path) -> None:
    """Encoder and features lie beside the home: no trial changes them."""
    shared = home.parent
    write_small_encoder(shared / "encoder")
    write_sample(shared / "reviews.csv")
    (shared / "version").mkdir()
    import_upload(Upload(shared / "reviews.csv", "reviews.csv", {}), shared / "version", lambda *_: None)
    _surround("prepare", shared, shared / "prepared", {"dataset": shared / "version"})
    assert run_program(ml.steps.prepare.main) == EXIT_OK


def act(home: Path) -> None:
    assert _train(home, "first") == EXIT_OK


def recover(home: Path) -> None:
    """A second attempt has new directories and the checkpoints of the first."""
    assert _train(home, "second") == EXIT_OK
    model = home / "second" / "model"
    found = {path.name for path in model.iterdir()}
    assert found >= FILES, found
    with safe_open(model / "model.safetensors", framework="pt") as weights:
        assert weights.keys()
    assert Predictor.load(model).labels
    assert [path.name for path in (home / "checkpoints").iterdir()] == [CHECKPOINT]


def _train(home: Path, attempt: str) -> int:
    shared = home.parent
    _surround(
        "train", shared, home / attempt, {"features": shared / "prepared" / "data"}, home / "checkpoints"
    )
    code = run_program(ml.steps.train.main)
    failure = home / attempt / "out" / "failure"
    if failure.exists():
        print("failed:", " ".join(failure.read_text().split("\n")))
    return code


def _surround(
    step: str, shared: Path, root: Path, channels: dict[str, Path], checkpoints: Path | None = None
) -> None:
    values = resolve_parameters(REVIEW_CLASSIFIER, {**SMALL, "epochs": 2, "encoder": str(shared / "encoder")})
    found = REVIEW_CLASSIFIER.step(step)
    assert isinstance(found, ProgramStep)
    arguments = as_strings(resolve_arguments(found.arguments, values))
    os.environ.update(contract(root, channels, arguments, checkpoints or root / "checkpoints"))
