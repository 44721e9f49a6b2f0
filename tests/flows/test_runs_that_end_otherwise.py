"""Closed gates, shuffled labels, damaged features, dead workers, bad input: each has its right end."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.flows.product import Product, small_training, start_arguments, wait_for, write_subset

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def small(small_encoder: Path) -> dict[str, Any]:
    return small_training(small_encoder)


@pytest.fixture(scope="module")
def dataset(product: Product, reviews: Path) -> str:
    pushed = product.cli("dataset", "push", str(reviews), "--name", "ends")
    assert pushed.code == 0, pushed.err
    return "ends"


def versions(product: Product, model: str) -> Any:
    with product.api() as api:
        answer = api.get(f"/models/{model}")
    return [] if answer.status_code == 404 else answer.json()["versions"]


def step(run: Any, name: str) -> Any:
    return next(step for step in run["steps"] if step["name"] == name)


def test_shuffled_labels_teach_nothing_and_register_nothing(
    product: Product, sample: Path, tmp_path: Path, small: dict[str, Any]
) -> None:
    shuffled = write_subset(sample, tmp_path / "shuffled.csv", each=400, shuffle_ratings=True)
    assert product.cli("dataset", "push", str(shuffled), "--name", "shuffled").code == 0
    parameters = {**small, "min_accuracy_value": 0.55, "test_split_percentage": 0.3}
    parameters |= {"train_split_percentage": 0.6, "validation_split_percentage": 0.1}
    ended = product.cli(*start_arguments("shuffled", **parameters), "--wait", "-o", "json")
    run = ended.json
    assert ended.code == 3, ended.err
    assert run["status"] == "succeeded"
    assert run["gate"]["passed"] is False
    assert "accuracy" in run["gate"]["reasons"][0]
    assert step(run, "register")["status"] == "skipped"
    assert run["model_version"] is None
    assert versions(product, "shuffled") == []
    # Three classes of equal size: chance is a third; the test part has about 360 rows.
    assert run["metrics"]["macro_f1"]["value"] < 0.45


def test_training_needs_the_features_only_and_damaged_ones_are_made_again(
    product: Product, dataset: str, small: dict[str, Any]
) -> None:
    first = product.run(dataset, **small)
    assert first["status"] == "succeeded"
    with product.api() as api:
        version = api.get(f"/datasets/{dataset}/versions/1").json()
        features = [
            file
            for file in api.get(f"/runs/{first['id']}/artifacts").json()["items"]
            if file["step"] == "prepare" and "train-" in file["path"]
        ]
    upload = next(product.home.rglob(version["source"]["sha256"]))
    upload.rename(upload.with_name("moved-away"))
    again = product.run(dataset, **{**small, "learning_rate": 0.00021})
    assert again["status"] == "succeeded"
    assert step(again, "prepare")["cached"] is True
    assert step(again, "train")["cached"] is False
    assert "learning_rate" in step(again, "train")["cache_reason"]

    path = next(product.home.rglob(features[0]["sha256"]))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    healed = product.run(dataset, **{**small, "learning_rate": 0.00022})
    assert healed["status"] == "succeeded"
    assert step(healed, "prepare")["cached"] is False
    assert "damaged" in step(healed, "prepare")["cache_reason"]


def test_a_worker_killed_in_mid_train_costs_an_attempt_and_nothing_else(
    product: Product, dataset: str, small: dict[str, Any]
) -> None:
    parameters = {**small, "epochs": 4, "learning_rate": 0.00023}
    with product.api() as api:
        run_id = product.cli(*start_arguments(dataset, **parameters), "-o", "json").json["id"]

        def training() -> bool:
            points = api.get(f"/runs/{run_id}/metrics").json()["items"]
            return any(point["name"] == "train_loss" for point in points)

        wait_for(training, "training began")
        os.kill(worker_pid(product), signal.SIGKILL)
        ended = product.cli("run", "watch", run_id, "-o", "json")
        assert ended.code == 0, ended.err
        run = ended.json
        artifacts = api.get(f"/runs/{run_id}/artifacts").json()["items"]
    assert run["status"] == "succeeded"
    assert step(run, "train")["attempts"] == 2
    weights = [file for file in artifacts if file["path"] == "model/model.safetensors"]
    assert len(weights) == 1


def worker_pid(product: Product) -> int:
    """The Celery worker among the processes of this installation."""
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            command = (directory / "cmdline").read_bytes().split(b"\0")
            environment = (directory / "environ").read_bytes()
        except OSError:
            continue
        ours = str(product.home).encode() in environment
        if ours and b"celery" in b" ".join(command) and b"workers/warden.py" not in b" ".join(command):
            return int(directory.name)
    raise AssertionError("no worker runs")


def test_cancel_stops_the_training_and_retry_goes_on_from_there(
    product: Product, dataset: str, small: dict[str, Any]
) -> None:
    parameters = {**small, "epochs": 4, "learning_rate": 0.00024}
    run_id = product.cli(*start_arguments(dataset, **parameters), "-o", "json").json["id"]
    with product.api() as api:
        wait_for(
            lambda: step(api.get(f"/runs/{run_id}").json(), "train")["status"] == "leased", "training began"
        )
        assert product.cli("run", "cancel", run_id, "--yes").code == 0
        wait_for(lambda: api.get(f"/runs/{run_id}").json()["status"] == "cancelled", "the run was cancelled")
    retried = product.cli("run", "retry", run_id, "--wait", "-o", "json")
    assert retried.code == 0, retried.err
    assert step(retried.json, "prepare")["attempts"] <= 1
    assert step(retried.json, "train")["attempts"] == 2


@pytest.mark.parametrize(
    ("parameter", "value", "says"),
    [
        ("epochs", 0, "epochs"),
        ("epochs", "many", "epochs"),
        ("learning_rate", -1, "learning_rate"),
        ("no_such_parameter", 1, "no_such_parameter"),
        ("train_split_percentage", 0.99, "split"),
    ],
)
def test_a_parameter_out_of_range_is_refused_before_a_run_exists(
    product: Product, dataset: str, parameter: str, value: object, says: str
) -> None:
    with product.api() as api:
        before = api.get("/runs").json()["total"]
        body = {"dataset": dataset, "recipe": "quick", "parameters": {parameter: value}}
        answer = api.post("/runs", json=body)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert says in answer.text
        assert api.get("/runs").json()["total"] == before


def test_an_unknown_encoder_and_one_that_asks_for_remote_code_end_with_advice(
    product: Product, dataset: str, small: dict[str, Any], small_encoder: Path, tmp_path: Path
) -> None:
    missing = product.run(dataset, **{**small, "encoder": tmp_path / "nowhere"})
    assert missing["status"] == "failed"
    assert "nowhere" in missing["message"]

    remote = tmp_path / "remote"
    remote.mkdir()
    for file in small_encoder.iterdir():
        (remote / file.name).write_bytes(file.read_bytes())
    config = (remote / "config.json").read_text()
    (remote / "config.json").write_text(config.replace("{", '{"auto_map": {"AutoModel": "evil.Model"},', 1))
    (remote / "evil.py").write_text("raise SystemExit('remote code ran')")
    refused = product.run(dataset, **{**small, "encoder": remote})
    assert refused["status"] == "failed"
    assert "code" in refused["message"]
    assert "remote code ran" not in refused["message"]


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("empty.csv", b"", 422),
        ("header.csv", b"Review Text,Rating\n", 422),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, 422),
        ("table.parquet", b"Review Text,Rating\nGood,5\n", 422),
        ("numbers.csv", b"a,b\n1,2\n3,4\n", 422),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_leaves_nothing(
    product: Product, name: str, content: bytes, status: int
) -> None:
    with product.api() as api:
        answer = api.post("/datasets", data={"name": "unusable"}, files={"file": (name, content)})
        assert answer.status_code == status, answer.text
        assert answer.json()["advice"]
        assert api.get("/datasets/unusable").status_code == 404


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["Nice dress number %d,5" % i for i in range(300)], "class"),  # noqa: UP031
        (["Nice,5", "Bad,1", "So so,3"], "row"),
    ],
)
def test_one_class_or_too_few_rows_end_with_advice(
    product: Product, tmp_path: Path, rows: list[str], says: str, small: dict[str, Any]
) -> None:
    file = tmp_path / "few.csv"
    file.write_text("Review Text,Rating\n" + "\n".join(rows) + "\n")
    name = f"few-{len(rows)}"
    pushed = product.cli("dataset", "push", str(file), "--name", name)
    if pushed.code == 0:
        run = product.run(name, **small)
        assert run["status"] == "failed"
        assert says in run["message"]
    else:
        assert pushed.code == 1
        assert says in pushed.err
