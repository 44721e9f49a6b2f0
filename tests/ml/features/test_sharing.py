"""Features made in shares are those that one program makes, to the byte."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ml.contract.outcome import StepRefused
from ml.features.dataset import BATCH_ROWS
from ml.features.sharing import merge_shares
from ml.features.snapshot import Snapshot
from ml.pipeline.definition import ProgramStep
from ml.pipeline.fanout import fanned_out
from ml.pipeline.resolve import as_strings, resolve_arguments, resolve_parameters
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER
from tests.ml.conftest import SMALL, contract

Prepare = Callable[..., Path]


@pytest.fixture
def prepare(tmp_path_factory: pytest.TempPathFactory, small_encoder: Path) -> Prepare:
    """``prepare(dataset, shards=5)``: each program of the step under the contract, as a run would walk it."""

    def run(dataset: Path, **parameters: object) -> Path:
        given = {**SMALL, "encoder": str(small_encoder), **parameters}
        values = resolve_parameters(REVIEW_CLASSIFIER, given)
        made: dict[str, Path] = {}
        for step in fanned_out(REVIEW_CLASSIFIER, values).steps:
            if not isinstance(step, ProgramStep) or "prepare" not in (step.name, step.part_of):
                continue
            root = tmp_path_factory.mktemp("prepare")
            shards = {f"shard_{number}": path for number, path in enumerate(made.values(), 1)}
            channels = shards if shards and step.part_of is None else {"dataset": dataset}
            told = as_strings(resolve_arguments(step.arguments, values))
            with pytest.MonkeyPatch.context() as patch:
                for name, value in contract(root, channels, told, root / "checkpoints").items():
                    patch.setenv(name, value)
                __import__(step.program, fromlist=["main"]).main()
            made[step.name] = root / "data"
        return made["prepare"]

    return run


def content(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="session")
def in_files(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small data set as three files, so that shares begin and end within and between files."""
    directory = tmp_path_factory.mktemp("files")
    shutil.copy(small_dataset / "version.json", directory)
    rows = pq.read_table(small_dataset / "reviews-00000.parquet")
    for number, (start, length) in enumerate([(0, 500), (500, 1), (501, rows.num_rows)]):
        pq.write_table(rows.slice(start, length), directory / f"reviews-{number:05d}.parquet")
    return directory


SETTINGS = {
    "balanced": {"balance_dataset": True, "train_rows": "all"},
    "sample": {"train_rows": 96, "sample": "square_root"},
    "labs": {"split_method": "labs", "train_rows": "all", "fields": "text"},
}


@pytest.mark.parametrize(
    ("settings", "shards"), [("balanced", 2), ("balanced", 5), ("sample", 5), ("sample", 20), ("labs", 2)]
)
def test_shares_of_several_files_are_merged_to_the_same_bytes(
    prepare: Prepare, in_files: Path, settings: str, shards: int
) -> None:
    alone = content(prepare(in_files, **SETTINGS[settings]))
    assert content(prepare(in_files, shards=shards, **SETTINGS[settings])) == alone
    assert "snapshot.json" in alone
    assert "features/train-00000.parquet" in alone


def test_shares_of_one_file_read_in_many_batches_are_merged_to_the_same_bytes(
    prepare: Prepare, real_dataset: Path, tmp_path: Path
) -> None:
    shutil.copy(real_dataset / "version.json", tmp_path)
    rows = pq.read_table(real_dataset / "reviews-00000.parquet").slice(0, 3 * BATCH_ROWS + 1)
    pq.write_table(rows, tmp_path / "reviews-00000.parquet")
    settings = {**SETTINGS["balanced"], "max_seq_length": 16}
    merged = prepare(tmp_path, shards=3, **settings)
    assert content(merged) == content(prepare(tmp_path, **settings))
    assert Snapshot.open(merged).rows("rest") > 0


def test_shards_of_other_settings_are_not_merged(tmp_path: Path) -> None:
    for seed in (1, 2):
        share = tmp_path / str(seed)
        share.mkdir()
        (share / "share.json").write_text(json.dumps({"description": {"seed": seed}, "parts": {}}))
    with pytest.raises(StepRefused, match="not made of the same data"):
        merge_shares([tmp_path / "1", tmp_path / "2"], tmp_path / "merged", lambda *_: None)
