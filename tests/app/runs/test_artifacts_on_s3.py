"""A web process on another machine than the worker: files and pages from S3, and S3 that is away."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.core.settings import Settings
from app.main import create
from tests.programs.cutting import Proxy, proxying
from tests.programs.installation import Toys
from tests.programs.s3 import S3Server
from tests.programs.twins import s3_storage

Client = Callable[[str], TestClient]


@pytest.fixture
def place(s3: S3Server) -> str:
    return s3.create()


@pytest.fixture
def settings(settings: Settings, s3: S3Server, place: str) -> Settings:
    return settings.model_copy(update={"storage": place, "s3_endpoint": s3.endpoint})


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[Proxy]:
    with proxying(s3.endpoint) as proxy:
        yield proxy


@pytest.fixture
def app(toys: Toys, place: str, proxy: Proxy, tmp_path: Path) -> FastAPI:
    storage = s3_storage(place, tmp_path / "web", proxy.endpoint)
    return create(replace(toys.services, storage=storage))


@pytest.fixture
def run_id(toys: Toys) -> str:
    run_id = toys.launch()
    toys.deliver()
    return run_id


def test_what_a_worker_stored_is_shown_and_downloaded(as_role: Client, run_id: str) -> None:
    viewer = as_role("viewer")
    run = viewer.get(f"/api/v1/runs/{run_id}").json()
    assert run["gate"]["passed"] is True
    names = [each["path"] for each in viewer.get(f"/api/v1/runs/{run_id}/artifacts").json()["items"]]
    assert "model/weights.txt" in names
    file = viewer.get(f"/api/v1/runs/{run_id}/artifacts/prepare/model/weights.txt")
    assert (file.status_code, file.text) == (200, "w" * 10)
    part = viewer.get(
        f"/api/v1/runs/{run_id}/artifacts/prepare/model/weights.txt", headers={"Range": "bytes=0-2"}
    )
    assert (part.status_code, part.text) == (206, "www")
    bundle = viewer.get(f"/api/v1/runs/{run_id}/artifacts/prepare.zip")
    with zipfile.ZipFile(BytesIO(bundle.content)) as archive:
        assert archive.read("model/weights.txt") == b"w" * 10


def test_a_file_that_s3_has_no_more_is_not_found(as_role: Client, run_id: str, toys: Toys) -> None:
    artifact = toys.detail(run_id).steps[0].artifact
    assert artifact is not None
    toys.services.storage.remove(toys.services.storage.tree(artifact).find("model/weights.txt").sha256)
    answer = as_role("viewer").get(f"/api/v1/runs/{run_id}/artifacts/prepare/model/weights.txt")
    assert answer.status_code == 404
    assert "not in the storage" in answer.json()["detail"]


def test_a_storage_that_is_away_is_a_503_with_advice(as_role: Client, run_id: str, proxy: Proxy) -> None:
    viewer = as_role("viewer")
    proxy.times = 1_000_000
    answer = viewer.get(f"/api/v1/runs/{run_id}/artifacts/prepare/model/weights.txt")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["code"] == "storage_away"
    assert answer.json()["detail"] == "S3 does not answer."
    assert "FITTINGROOM_S3_ENDPOINT" in answer.json()["advice"]
    bundle = viewer.get(f"/api/v1/runs/{run_id}/artifacts/prepare.zip")
    assert bundle.status_code == 503
    proxy.times = 0
    assert viewer.get(f"/api/v1/runs/{run_id}/artifacts/prepare/model/weights.txt").status_code == 200
