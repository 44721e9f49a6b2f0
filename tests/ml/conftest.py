"""Real reviews as a data set version, and the steps run as a worker would run them, but in this process."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ml.data.importing import Upload, import_upload
from ml.pipeline.definition import ProgramStep
from ml.pipeline.resolve import as_strings, resolve_arguments, resolve_parameters
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER

# Short reviews, few rows: a whole chain takes seconds.
SMALL = {
    "balance_dataset": False,
    "train_rows": 96,
    "max_seq_length": 48,
    "epochs": 1,
    "frozen_layers": 1,
    "dropout": 0.0,
    "train_split_percentage": 0.8,
    "validation_split_percentage": 0.1,
    "test_split_percentage": 0.1,
}


def import_csv(source: Path, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    import_upload(Upload(source, source.name, {}), directory, lambda *_: None)
    return directory


@pytest.fixture(scope="session")
def real_dataset(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return import_csv(sample, tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="session")
def small_csv(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 1,500 records of the real file, cut at a line that begins a record."""
    lines = sample.read_bytes().split(b"\n")
    end = next(number for number, line in enumerate(lines) if line.startswith(b"1500,"))
    path = tmp_path_factory.mktemp("csv") / "reviews.csv"
    path.write_bytes(b"\n".join(lines[:end]) + b"\n")
    return path


@pytest.fixture(scope="session")
def small_dataset(small_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return import_csv(small_csv, tmp_path_factory.mktemp("small"))


@dataclass(frozen=True)
class Ended:
    model: Path
    output: Path
    checkpoints: Path


Steps = Callable[..., Ended]


@pytest.fixture(scope="session")
def arguments_of(small_encoder: Path) -> Callable[..., dict[str, str]]:
    def arguments(step: str, **parameters: object) -> dict[str, str]:
        given = {**SMALL, "encoder": str(small_encoder), **parameters}
        values = resolve_parameters(REVIEW_CLASSIFIER, given)
        found = REVIEW_CLASSIFIER.step(step)
        assert isinstance(found, ProgramStep)
        return as_strings(resolve_arguments(found.arguments, values))

    return arguments


@pytest.fixture(scope="session")
def run_step(tmp_path_factory: pytest.TempPathFactory, arguments_of: Callable[..., dict[str, str]]) -> Steps:
    """``run_step("train", {"features": path}, epochs=2)``: the program's ``main`` under the contract."""

    def run(step: str, channels: Mapping[str, Path], **parameters: object) -> Ended:
        root = tmp_path_factory.mktemp(step)
        checkpoints = parameters.pop("checkpoints", root / "checkpoints")
        environment = contract(root, channels, arguments_of(step, **parameters), Path(str(checkpoints)))
        found = REVIEW_CLASSIFIER.step(step)
        assert isinstance(found, ProgramStep)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            __import__(found.program, fromlist=["main"]).main()
        return Ended(root / "model", root / "data", Path(str(checkpoints)))

    return run


def contract(
    root: Path, channels: Mapping[str, Path], parameters: Mapping[str, str], checkpoints: Path
) -> dict[str, str]:
    for directory in (root / "model", root / "data", root / "out", checkpoints):
        directory.mkdir(parents=True, exist_ok=True)
    named = {f"SM_CHANNEL_{name.upper()}": str(path) for name, path in channels.items()}
    return {
        "SM_CHANNELS": json.dumps(list(channels)),
        "SM_HPS": json.dumps(dict(parameters)),
        "SM_MODEL_DIR": str(root / "model"),
        "SM_OUTPUT_DIR": str(root / "out"),
        "SM_OUTPUT_DATA_DIR": str(root / "data"),
        "SM_CHECKPOINT_DIR": str(checkpoints),
        **named,
    }


@pytest.fixture(scope="session")
def features(run_step: Steps, small_dataset: Path) -> Path:
    return run_step("prepare", {"dataset": small_dataset}).output


@pytest.fixture(scope="session")
def trained(run_step: Steps, features: Path) -> Ended:
    return run_step("train", {"features": features})
