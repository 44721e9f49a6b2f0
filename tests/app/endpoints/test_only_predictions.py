"""The application that only predicts: it follows what is deployed through the dashboard's."""

import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from app import predictions
from app.core.security import Actor
from app.core.services import Services
from app.endpoints import queries
from app.registry import approval
from app.registry.queries import NamedVersion
from tests.conftest import BASE_URL
from tests.house.routes import all_routes

PATIENCE_SECONDS = 60
PREDICT = "/api/v1/endpoints/shop/predict"
REVIEW = {"inputs": ["Runs small and the seams came apart."]}


@pytest.fixture
def only(services: Services) -> Iterator[TestClient]:
    with TestClient(predictions.create(services), base_url=BASE_URL, follow_redirects=False) as client:
        yield client


@pytest.fixture
def web(
    register: Callable[..., NamedVersion],
    approve: Callable[..., None],
    person: Callable[..., Actor],
    as_role: Callable[..., TestClient],
) -> TestClient:
    """A program that deploys through the dashboard's application; two versions are approved."""
    author, boss = person("editor", "anna"), person("approver", "boss")
    for step in ("1", "2"):
        approve(register(author, step=step), boss)
    return as_role("editor")


def deploy(web: TestClient, number: int) -> None:
    body = {"model": "clothing", "version": number}
    assert web.post("/api/v1/endpoints/shop/deployments", json=body).status_code == 201


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"{what} did not reach the predictions"
        time.sleep(0.1)


@pytest.mark.parametrize("database_url", [None, "postgresql"], indirect=True, ids=["sqlite", "postgresql"])
def test_a_deployment_a_rollback_and_a_stop_elsewhere_are_followed(only: TestClient, web: TestClient) -> None:
    only.headers["Authorization"] = web.headers["Authorization"]
    assert only.post(PREDICT, json=REVIEW).status_code == 404

    def answers_with(number: int) -> bool:
        answer = only.post(PREDICT, json=REVIEW)
        return answer.status_code == 200 and answer.json()["model"]["version"] == number

    for number in (1, 2, 1):
        deploy(web, number)
        until(lambda number=number: answers_with(number), f"version {number}")
    assert web.post("/api/v1/endpoints/shop/stop").status_code == 200
    until(lambda: only.post(PREDICT, json=REVIEW).status_code == 409, "the stop")


def test_nothing_else_is_answered_and_nobody_gets_in_without_a_token(only: TestClient) -> None:
    routes = {(route.method, route.path) for route in all_routes(only.app)}  # type: ignore[arg-type]
    assert routes == {
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("POST", "/api/v1/endpoints/{endpoint}/predict"),
    }
    assert only.get("/livez").status_code == 200
    assert only.post(PREDICT, json=REVIEW).status_code == 401
    assert only.get("/metrics").status_code == 401


@pytest.mark.parametrize("path", ["/", "/login", "/api/v1/endpoints", "/static/app.css"])
def test_what_is_not_there_is_said_in_json_also_to_a_browser(only: TestClient, path: str) -> None:
    answer = only.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_damaged_file_is_refused_when_it_is_loaded(services: Services, web: TestClient) -> None:
    """Other processes go on with what they hold in memory; whoever loads reads every byte again."""
    deploy(web, 1)
    with services.works.reading() as work:
        (placed,) = queries.live(work.session)
    onnx = approval.model_files(services, placed.version).find("model.onnx")
    path = services.storage.local_path(onnx.sha256)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with TestClient(predictions.create(services), base_url=BASE_URL) as started:
        started.headers["Authorization"] = web.headers["Authorization"]
        refused = started.post(PREDICT, json=REVIEW)
    assert refused.status_code == 409, refused.text
    assert refused.json()["title"] == "The endpoint serves no approved version"
    assert web.get("/api/v1/models/clothing/versions/1").json()["validity"] == "voided"
