import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.contract.outcome import StepRefused
from ml.features.snapshot import Snapshot
from tests.ml.conftest import import_csv

Run = Callable[..., Any]


def test_every_row_is_in_one_part_with_its_tokens(run_step: Run, small_dataset: Path) -> None:
    snapshot = Snapshot.open(run_step("prepare", {"dataset": small_dataset}).output)
    parts = {name: snapshot.table(name, ["review_id", "label"]) for name in snapshot.description["parts"]}
    ids = [one for table in parts.values() for one in table["review_id"].to_pylist()]
    original = pq.read_table(small_dataset / "reviews-00000.parquet")
    assert sorted(ids) == sorted(original["review_id"].to_pylist())
    assert parts["train"].num_rows == 96
    test = snapshot.table("test", ["input_ids", "tokens", "split", "label", "label_id"])
    assert test.schema.field("input_ids").type == pa.list_(pa.uint16())
    assert max(len(ids) for ids in test["input_ids"].to_pylist()) == 48 == snapshot.limit
    assert set(test["split"].to_pylist()) == {"test"}
    for label, label_id in zip(test["label"].to_pylist(), test["label_id"].to_pylist(), strict=True):
        assert snapshot.labels[label_id] == label


def test_a_review_without_a_title_is_in_training(run_step: Run, small_dataset: Path) -> None:
    output = run_step("prepare", {"dataset": small_dataset}, train_rows="all").output
    titles = Snapshot.open(output).table("train", ["title"])["title"]
    assert 0 < titles.null_count < len(titles)


def test_the_same_input_gives_the_same_features(run_step: Run, small_dataset: Path, features: Path) -> None:
    again = run_step("prepare", {"dataset": small_dataset}).output
    assert (again / "snapshot.json").read_bytes() == (features / "snapshot.json").read_bytes()


def test_sides_are_kept_when_the_data_set_grows(
    run_step: Run, real_dataset: Path, small_dataset: Path
) -> None:
    def sides(dataset: Path) -> dict[str, str]:
        snapshot = Snapshot.open(run_step("prepare", {"dataset": dataset}).output)
        tables = [snapshot.table(part, ["text", "split"]) for part in snapshot.description["parts"]]
        rows = pa.concat_tables(tables)
        return dict(zip(rows["text"].to_pylist(), rows["split"].to_pylist(), strict=True))

    small, grown = sides(small_dataset), sides(real_dataset)
    assert len(grown) > 10 * len(small)
    assert all(grown[text] == side for text, side in small.items())


def test_the_labs_split_on_the_real_data_has_the_labs_sizes(run_step: Run, real_dataset: Path) -> None:
    parameters = {"split_method": "labs", "train_rows": "all", "balance_dataset": True, "fields": "text"}
    shares = {f"{part}_split_percentage": share for part, share in
              (("train", 0.9), ("validation", 0.05), ("test", 0.05))}  # fmt: skip
    output = run_step("prepare", {"dataset": real_dataset}, **parameters, **shares).output
    parts = Snapshot.open(output).description["parts"]
    assert {name: part["rows"] for name, part in parts.items()} == {
        "train": 5537,
        "validation": 307,
        "test": 309,
    }


@pytest.mark.parametrize("damage", ["changed", "removed", "added"])
def test_changed_features_are_refused(features: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "features"
    shutil.copytree(features, copy)
    Snapshot.open(copy)
    file = copy / "features/train-00000.parquet"
    if damage == "changed":
        data = bytearray(file.read_bytes())
        data[100] ^= 1
        file.write_bytes(data)
    elif damage == "removed":
        file.unlink()
    else:
        shutil.copyfile(file, copy / "features/train-00001.parquet")
    with pytest.raises(StepRefused, match="features changed") as refusal:
        Snapshot.open(copy)
    assert "prepare" in refusal.value.advice


def test_what_is_no_data_set_version_or_too_small_is_refused(
    run_step: Run, small_csv: Path, tmp_path: Path
) -> None:
    with pytest.raises(StepRefused, match="not a data set version"):
        run_step("prepare", {"dataset": tmp_path})
    few = tmp_path / "few.csv"
    few.write_text("Review Text,Rating\ngood,5\nnice,5\nbad,1\nawful,1\n")
    with pytest.raises(StepRefused, match="too few rows for this split"):
        run_step("prepare", {"dataset": import_csv(few, tmp_path / "few")})


def test_one_class_only_is_refused(run_step: Run, small_dataset: Path, tmp_path: Path) -> None:
    copy = tmp_path / "one"
    shutil.copytree(small_dataset, copy)
    version = json.loads((copy / "version.json").read_text())
    (copy / "version.json").write_text(json.dumps({**version, "labels": ["1"]}))
    with pytest.raises(StepRefused, match="only one class"):
        run_step("prepare", {"dataset": copy})
