"""The compose file at work: its services as processes, in its order, from the printed link to predictions."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.product import small_training, write_subset
from tests.programs.compose import ROOT, Compose, read_env
from tests.programs.containers import Containers, until

pytestmark = pytest.mark.flow

PASSWORD = "an honest long sentence"
LINK = re.compile(r"create the first administrator \(this link works once\): (\S+)")
REVIEW = {"inputs": ["Runs small and the fabric tore after one wash."]}
PREDICT = "/api/v1/endpoints/shop/predict"


COMPOSE = Compose.read(read_env((ROOT / ".env.example").read_text()))


@pytest.fixture
def containers() -> Iterator[Containers]:
    with tempfile.TemporaryDirectory(
        prefix="fr-compose-", dir="/tmp"
    ) as directory:  # a socket's path is short
        started = Containers(COMPOSE, Path(directory))
        yield started
        started.kill()


def sign_in(client: httpx.Client, printed: str) -> None:
    """By the link that ``docker compose logs migrate`` shows; its address is the one that is published."""
    found = LINK.search(printed)
    assert found, printed
    assert found[1].startswith("http://127.0.0.1:8000/setup?token=")
    form = {"token": found[1].partition("token=")[2], "name": "ada", "password": PASSWORD, "again": PASSWORD}
    assert client.post("/setup", data=form).status_code == 303
    assert asked(client, "GET", "/me", 200)["role"] == "admin"


def asked(client: httpx.Client, method: str, path: str, status: int, **keywords: Any) -> Any:
    answer = client.request(method, f"/api/v1{path}", **keywords)
    assert answer.status_code == status, answer.text
    return answer.json()


def train(client: httpx.Client, reviews: Path, encoder: Path) -> None:
    with reviews.open("rb") as file:
        asked(client, "POST", "/datasets", 202, files={"file": file}, data={"name": "shop"})
    until(lambda: asked(client, "GET", "/datasets/shop", 200)["status"] == "ready", "the import")
    parameters = {name: str(value) for name, value in small_training(encoder).items()}
    body = {"dataset": "shop", "recipe": "quick", "parameters": parameters}
    run = asked(client, "POST", "/runs", 201, json=body)
    address = f"/runs/{run['id']}"
    until(lambda: asked(client, "GET", address, 200)["finished_at"], "the end of the run")
    ended = asked(client, "GET", address, 200)
    assert ended["model_version"] == {"model": "shop", "version": 1}, ended


def approve(client: httpx.Client) -> None:
    version = asked(client, "GET", "/models/shop/versions/1", 200)
    decision = {"decision": "approve", "comment": "fits", "row_version": version["row_version"]}
    asked(client, "POST", "/models/shop/versions/1/approval", 200, json=decision)


def follows_what_is_deployed(client: httpx.Client, predict: httpx.Client) -> None:
    """Deployed, stopped and deployed again through one process, and seen by another."""
    token = asked(client, "POST", "/tokens", 201, json={"name": "till"})["token"]
    predict.headers["Authorization"] = f"Bearer {token}"
    assert predict.post(PREDICT, json=REVIEW).status_code == 404
    for _ in range(2):
        asked(client, "POST", "/endpoints/shop/deployments", 201, json={"model": "shop", "version": 1})
        until(lambda: predict.post(PREDICT, json=REVIEW).status_code == 200, "the deployment")
        asked(client, "POST", "/endpoints/shop/stop", 200)
        until(lambda: predict.post(PREDICT, json=REVIEW).status_code == 409, "the stop")
    assert predict.get("/datasets").status_code == 404
    assert 'endpoint="shop"' in predict.get("/metrics").text


def test_from_the_first_start_to_a_prediction_and_a_stop_in_order(
    containers: Containers, sample: Path, small_encoder: Path, tmp_path: Path
) -> None:
    containers.up(*[name for name, service in COMPOSE.services.items() if "profiles" not in service.keys])
    running = containers.running
    with (
        httpx.Client(base_url=running["web"].url, timeout=120) as client,
        httpx.Client(base_url=running["predict"].url, timeout=120) as predict,
    ):
        sign_in(client, running["migrate"].said)
        train(client, write_subset(sample, tmp_path / "reviews.csv", each=240), small_encoder)
        approve(client)
        follows_what_is_deployed(client, predict)
    (tmp_path / "backups").mkdir()
    saved = containers.run(
        "migrate", ["fittingroom", "backup", str(tmp_path / "backups")], tmp_path / "backups"
    )
    assert saved.returncode == 0, saved.stderr.decode()
    containers.up("worker-gpu")
    assert containers.stop() == dict.fromkeys(COMPOSE.services, 0)
