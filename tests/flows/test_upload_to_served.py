"""The main job, from outside: a file of real reviews becomes an approved, served classifier."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.flows.product import Product, small_training, start_arguments

pytestmark = pytest.mark.flow

MODEL = "clothing"


@pytest.fixture(scope="module")
def small(small_encoder: Path) -> dict[str, Any]:
    return small_training(small_encoder)


@pytest.fixture(scope="module")
def run(product: Product, reviews: Path, small: dict[str, Any]) -> Any:
    pushed = product.cli("dataset", "push", str(reviews), "--name", MODEL, "-o", "json")
    assert pushed.code == 0, pushed.err
    assert pushed.json["rows"] == 1200
    started = product.cli(*start_arguments(MODEL, **small), "--wait", "-o", "json")
    assert started.code == 0, started.err
    return started.json


def test_the_run_tells_its_steps_gate_figures_and_version(run: Any) -> None:
    assert run["status"] == "succeeded"
    assert [step["name"] for step in run["steps"]] == ["prepare", "train", "evaluate", "gate", "register"]
    assert {step["status"] for step in run["steps"]} == {"succeeded"}
    assert (run["gate"]["passed"], run["gate"]["reasons"]) == (True, [])
    for scores in (run["metrics"], run["baseline"]):
        for name in ("accuracy", "macro_f1"):
            interval = scores[name]
            assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1
            assert interval["n"] > 20
    assert run["model_version"] == {"model": MODEL, "version": 1}


def test_the_artifacts_come_down_as_a_directory_a_step(product: Product, run: Any, tmp_path: Path) -> None:
    got = product.cli("run", "artifacts", run["id"], "--download", str(tmp_path), "-o", "json")
    assert got.code == 0, got.err
    evaluation = json.loads((tmp_path / "evaluate/evaluation.json").read_text())
    assert evaluation["metrics"]["accuracy"] == run["metrics"]["accuracy"]
    predictions = pq.read_table(tmp_path / "evaluate/predictions.parquet").to_pylist()
    assert len(predictions) == run["metrics"]["accuracy"]["n"]
    right = sum(row["label"] == row["predicted"] for row in predictions)
    assert right / len(predictions) == pytest.approx(run["metrics"]["accuracy"]["value"])
    for row in predictions:
        assert row["p_-1"] + row["p_0"] + row["p_1"] == pytest.approx(1, abs=1e-4)
    assert (tmp_path / "train/model/model.safetensors").stat().st_size > 1_000_000


def test_the_version_is_approved_by_another_served_and_answers_as_trained(
    product: Product, run: Any, tmp_path: Path
) -> None:
    refused = product.cli("deploy", MODEL, "1", "--endpoint", "shop")
    assert refused.code == 1
    assert "approved" in refused.err.lower()
    assert product.cli("model", "approve", MODEL, "1", "--comment", "mine", role="editor").code == 5
    approved = product.cli("model", "approve", MODEL, "1", "--comment", "fits", "-o", "json", role="approver")
    assert approved.code == 0, approved.err
    assert approved.json["status"] == "Approved"
    deployed = product.cli("deploy", MODEL, "1", "--endpoint", "shop")
    assert deployed.code == 0, deployed.err

    text = "Runs small and the fabric tore after one wash. Very disappointed."
    answered = product.cli("predict", "shop", text, "--title", "Bad", "-o", "json", role="viewer")
    assert answered.code == 0, answered.err
    served = answered.json["predictions"][0]
    product.cli("run", "artifacts", run["id"], "--download", str(tmp_path))
    expected = trained_scores(tmp_path / "train/model", "Bad", text)
    for entry in served["scores"]:
        assert entry["score"] == pytest.approx(expected[entry["label"]], abs=1e-3)


def trained_scores(model: Path, title: str, text: str) -> dict[str, float]:
    """Probabilities by the trained torch model itself, not by its export."""
    from tests.trained_network import score_reviews

    return score_reviews(model, [(title, text)])[0]


def test_one_flipped_byte_of_the_weights_and_the_version_is_refused(product: Product, run: Any) -> None:
    with product.api() as api:
        files = api.get(f"/runs/{run['id']}/artifacts").json()["items"]
        onnx = next(file for file in files if file["path"] == "model/model.onnx")
        path = next(product.home.rglob(onnx["sha256"]))
        original = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(bytes([original[0] ^ 1]) + original[1:])
        try:
            refused = api.post("/endpoints/other/deployments", json={"model": MODEL, "version": 1})
            assert refused.status_code == 409, refused.text
            version = api.get(f"/models/{MODEL}/versions/1").json()
            assert version["validity"] == "voided"
        finally:
            path.write_bytes(original)
