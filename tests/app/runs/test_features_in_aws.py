"""What prepare wrote is sent to the simulated AWS in two formats, read back there, and taken away."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.datasets.tables import DatasetVersion
from ml.features.prepare import PrepareSettings, prepare_features
from ml.features.splitting import Shares
from ml.features.tokenization import ReviewTokenizer
from tests.app.datasets.importing import push_ready
from tests.app.datasets.in_aws import do_errands, set_up
from tests.app.runs.staging import Stage
from tests.ml.features.test_tfrecord import parsed, records_of
from tests.programs.cloud import Simulator

REVIEWS = b"text,rating\n" + b"".join(
    b"a review of dress number %d which %s,%d\n" % (n, b"fits " * (n % 7), n % 5 + 1) for n in range(300)
)
SETTINGS = PrepareSettings(
    ("text",), 16, "hash", Shares(0.8, 0.1, 0.1), False, None, 1.0, 42, "the small encoder"
)


@pytest.fixture
def edda(simulator: Simulator, as_role: Callable[..., TestClient]) -> TestClient:
    return as_role("editor")


@pytest.fixture
def run_id(
    edda: TestClient, services: Services, simulator: Simulator, small_encoder: Path, tmp_path: Path
) -> str:
    """A run whose prepare has really prepared, with the cloud set up."""
    set_up(services, simulator)
    version = push_ready(edda, services, REVIEWS)
    stage = Stage(services, "usr_edda")
    source, made = tmp_path / "version", tmp_path / "features"
    made.mkdir()
    with services.works.reading() as work:
        tree = work.session.get_one(DatasetVersion, version["id"]).tree_sha256
    services.storage.materialize(services.storage.tree(tree or ""), source)
    tokenizer = ReviewTokenizer(small_encoder / "tokenizer.json", ("text",), 16)
    prepare_features(source, tokenizer, SETTINGS, made, lambda *_: None)
    run_id = stage.launch(version["id"])
    files = {str(path.relative_to(made)): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    stage.succeed(run_id, "prepare", files)
    return run_id


def test_features_are_sent_as_both_formats_and_say_the_same(
    edda: TestClient, services: Services, simulator: Simulator, run_id: str
) -> None:
    url = f"/api/v1/runs/{run_id}/features"
    assert edda.get(url).json()["in_aws"] is False
    assert edda.post(url).status_code == 202
    assert do_errands(services) == 1
    told = edda.get(url).json()
    assert (told["in_aws"], told["last"]["state"]) == (True, "done")
    keys = simulator.keys(told["location"])
    assert [key for key in keys if key.startswith("_")] == ["_snapshot.json"]
    snapshot = json.loads(simulator.read(told["location"] + "_snapshot.json"))
    for split in ("train", "validation", "test"):
        [parquet] = [key for key in keys if key.startswith(f"parquet/{split}/")]
        [tfrecord] = [key for key in keys if key.startswith(f"tfrecord/{split}/")]
        rows = pq.read_table(io.BytesIO(simulator.read(told["location"] + parquet))).to_pylist()
        content = simulator.read(told["location"] + tfrecord)
        assert hashlib.sha256(content).hexdigest() in tfrecord
        examples = [parsed(record) for record in records_of(content)]
        assert len(examples) == len(rows) == snapshot["parts"][split]["rows"]
        for row, example in zip(rows, examples, strict=True):
            read = len(row["input_ids"])
            assert example["input_ids"] == [*row["input_ids"], *[snapshot["pad_id"]] * (16 - read)]
            assert example["input_mask"] == [1] * read + [0] * (16 - read)
            assert (example["segment_ids"], example["label_ids"]) == ([0] * 16, [row["label_id"]])
    assert told["last"]["result"]["rows"] == {
        split: snapshot["parts"][split]["rows"] for split in ("train", "validation", "test")
    }


def test_sending_again_sends_nothing_and_removing_leaves_nothing(
    edda: TestClient, services: Services, simulator: Simulator, run_id: str
) -> None:
    url = f"/api/v1/runs/{run_id}/features"
    assert edda.delete(url).status_code == 409
    edda.post(url)
    do_errands(services)
    location = edda.get(url).json()["location"]
    before, mark = simulator.keys(location), simulator.mark()
    edda.post(url)
    do_errands(services)
    assert "S3.PUT" not in [call["operation"] for call in simulator.calls(mark)]
    assert simulator.keys(location) == before
    assert edda.delete(url).status_code == 202
    do_errands(services)
    assert (simulator.keys(location), edda.get(url).json()["in_aws"]) == ([], False)


def test_the_runs_page_sends_and_removes_them(
    simulator: Simulator, browser_as: Callable[..., TestClient], services: Services, run_id: str
) -> None:
    browser, url = browser_as("editor"), f"/runs/{run_id}"
    page = f"{url}?step=prepare&tab=artifacts"
    origin = {"Origin": "http://127.0.0.1:8000"}
    assert "The features are not in AWS" in browser.get(page).text
    assert browser.post(f"{url}/features", headers=origin).status_code == 303
    assert "The features are being sent to AWS" in browser.get(page).text
    do_errands(services)
    assert "The features are in AWS" in browser.get(page).text
    browser.post(f"{url}/features/removal", headers=origin)
    browser.post(f"{url}/features/cancellation", headers=origin)
    assert "The features are in AWS" in browser.get(page).text


def test_a_run_without_features_sends_none(
    edda: TestClient, services: Services, simulator: Simulator
) -> None:
    set_up(services, simulator)
    stage = Stage(services, "usr_edda")
    answer = edda.post(f"/api/v1/runs/{stage.launch(stage.dataset())}/features")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_features")
