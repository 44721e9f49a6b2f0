"""Runs over HTTP, with a real data set version and real steps; the pipelines are toys."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.core.ids import new_id
from app.core.services import Services
from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus
from tests.programs.installation import Inbox, Toys, toy_services

pytestmark = pytest.mark.both_databases


@pytest.fixture
def toys(services: Services) -> Toys:
    inbox = Inbox()
    return Toys(toy_services(services, inbox), inbox)


@pytest.fixture
def app(toys: Toys) -> FastAPI:
    from app.main import create

    return create(toys.services)


@pytest.fixture
def editor(as_role: Callable[[str], TestClient]) -> TestClient:
    return as_role("editor")


@pytest.fixture
def dataset(toys: Toys) -> str:
    """A ready version 1 of the data set "dresses", and a version 2 that is still being imported."""
    storage = toys.services.storage
    tree = storage.put_manifest([replace(storage.put_bytes(b"reviews"), path="reviews.txt")])
    upload = Upload(
        id=new_id("up"),
        filename="dresses.csv",
        sha256="0" * 64,
        size=7,
        tree_sha256=tree.sha256,
        dataset_name="dresses",
        peek={},
        created_by="usr_1",
    )
    owner = Dataset(id=new_id("ds"), name="dresses", last_number=2, created_by="usr_1")
    common: dict[str, Any] = {"dataset_id": owner.id, "upload_id": upload.id, "created_by": "usr_1"}
    ready = DatasetVersion(
        id=new_id("dv"), number=1, status=VersionStatus.READY, tree_sha256=tree.sha256, **common
    )
    coming = DatasetVersion(id=new_id("dv"), number=2, status=VersionStatus.IMPORTING, **common)
    with toys.services.works.writing() as work:
        work.session.add_all([upload, owner])
        work.session.flush()
        work.session.add_all([ready, coming])
    return "dresses"


def start(client: TestClient, dataset: str, **body: Any) -> Any:
    answer = client.post("/api/v1/runs", json={"dataset": dataset, "pipeline": "toys", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_run_is_started_followed_and_read(editor: TestClient, dataset: str, toys: Toys) -> None:
    run = start(editor, dataset, parameters={"ticks": 2})
    assert run["status"] == "queued"
    assert run["dataset"]["name"] == "dresses"
    assert run["dataset"]["version"] == 1
    assert run["model"] == "dresses"
    toys.deliver()
    shown = editor.get(f"/api/v1/runs/{run['id']}").json()
    assert shown["status"] == "succeeded"
    assert shown["gate"]["passed"] is True
    assert shown["model_version"] == {"model": "toy", "version": 1}
    assert [step["attempts"] for step in shown["steps"]] == [1, 1, 1, 1]
    assert all(step["seconds"] >= 0 for step in shown["steps"])
    assert editor.get(f"/api/v1/runs/{run['number']}").json()["id"] == run["id"]
    listed = editor.get("/api/v1/runs", params={"status": "succeeded", "dataset": "dresses"}).json()
    assert [each["id"] for each in listed["items"]] == [run["id"]]
    assert editor.get("/api/v1/runs", params={"dataset": "none"}).json()["items"] == []


def test_lists_are_paged_by_cursor(editor: TestClient, dataset: str) -> None:
    runs = [start(editor, dataset)["id"] for _ in range(3)]
    first = editor.get("/api/v1/runs", params={"limit": 2}).json()
    second = editor.get("/api/v1/runs", params={"limit": 2, "cursor": first["next"]}).json()
    assert [run["id"] for run in first["items"] + second["items"]] == runs[::-1]
    assert (first["total"], second["next"]) == (3, None)


def test_an_idempotency_key_starts_one_run(editor: TestClient, dataset: str) -> None:
    body = {"dataset": dataset, "pipeline": "toys"}
    headers = {"Idempotency-Key": "once"}
    answers = [editor.post("/api/v1/runs", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    other = editor.post("/api/v1/runs", json={**body, "parameters": {"ticks": 3}}, headers=headers)
    assert other.status_code == 422
    assert other.json()["code"] == "key_reused"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"dataset": "none"}, 404, "none"),
        ({"dataset": "dresses", "version": 2}, 409, "importing"),
        ({"dataset": "dresses", "version": 9}, 404, "9"),
        ({"dataset": "dresses", "pipeline": "nonsense"}, 422, "nonsense"),
        ({"dataset": "dresses", "recipe": "slwo"}, 422, "slow"),
        ({"dataset": "dresses", "parameters": {"ticks": 0}}, 422, "ticks is 0"),
        ({"dataset": "dresses", "parameters": {"ticks": None}}, 422, "ticks"),
        ({"dataset": "dresses", "parameters": {"tick": 1}}, 422, "Did you mean ticks?"),
        ({"dataset": "dresses", "model": "../x"}, 422, "model"),
        ({"dataset": "dresses", "status": "succeeded"}, 422, "status"),
        ({}, 422, "dataset"),
    ],
)
def test_what_cannot_be_started_is_refused_with_the_reason(
    editor: TestClient, dataset: str, body: dict[str, Any], status: int, says: str
) -> None:
    answer = editor.post("/api/v1/runs", json={"pipeline": "toys", **body})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert says in answer.text
    assert editor.get("/api/v1/runs").json()["total"] == 0


def test_artifacts_are_listed_and_come_as_attachments(editor: TestClient, dataset: str, toys: Toys) -> None:
    run = start(editor, dataset)
    address = f"/api/v1/runs/{run['id']}/artifacts"
    assert editor.get(address).json()["items"] == []
    toys.deliver()
    items = editor.get(address).json()["items"]
    weights = next(i for i in items if i["step"] == "prepare" and i["path"] == "model/weights.txt")
    assert weights["size"] == 10
    answer = editor.get(f"{address}/prepare/model/weights.txt")
    assert answer.content == b"w" * 10
    assert answer.headers["content-disposition"] == 'attachment; filename="weights.txt"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (
        editor.get(f"{address}/prepare/model/weights.txt", headers={"Range": "bytes=0-2"}).content == b"www"
    )
    for wrong in ("prepare/none", "none/x", "gate/x", "prepare/%2e%2e/%2e%2e/main.db", "prepare//etc/passwd"):
        assert editor.get(f"{address}/{wrong}").status_code == 404


def test_logs_and_metrics_by_step_and_attempt(editor: TestClient, dataset: str, toys: Toys) -> None:
    run = start(editor, dataset, parameters={"ticks": 3})
    toys.deliver()
    base = f"/api/v1/runs/{run['id']}"
    log = editor.get(f"{base}/logs", params={"step": "prepare"})
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    assert log.text.splitlines()[0] == "tick 0"
    assert "[metric] step=2" in log.text
    assert len(editor.get(f"{base}/logs").text) > len(log.text)
    assert editor.get(f"{base}/logs", params={"step": "prepare", "attempt": 2}).status_code == 404
    points = editor.get(f"{base}/metrics", params={"step": "prepare"}).json()["items"]
    assert [(p["step"], p["attempt"], p["name"], p["at_step"]) for p in points] == [
        ("prepare", 1, "loss", 0),
        ("prepare", 1, "loss", 1),
        ("prepare", 1, "loss", 2),
    ]


def test_cancel_and_retry_over_http(editor: TestClient, dataset: str, toys: Toys) -> None:
    run = start(editor, dataset)
    address = f"/api/v1/runs/{run['id']}"
    assert editor.post(f"{address}/cancellation").json()["status"] == "cancelled"
    assert editor.post(f"{address}/retry").json()["steps"][0]["status"] == "ready"
    toys.deliver()
    assert editor.post(f"{address}/cancellation").status_code == 409
    assert editor.post(f"{address}/retry").status_code == 409


def test_a_failed_step_says_why_and_only_the_failed_one(editor: TestClient, dataset: str, toys: Toys) -> None:
    run = start(editor, dataset, parameters={"behaviour": "refuse"})
    toys.deliver()
    shown = editor.get(f"/api/v1/runs/{run['id']}").json()
    assert shown["steps"][0]["error"] == "The data are not good. Send better data."
    assert [step["error"] for step in shown["steps"][1:]] == [None, None, None]
    assert shown["steps"][1]["message"] == "Not run: prepare failed."
    assert (shown["gate"], shown["metrics"], shown["model_version"]) == (None, None, None)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/runs"),
        ("POST", "/api/v1/runs/run_1/cancellation"),
        ("POST", "/api/v1/runs/run_1/retry"),
    ],
)
def test_a_viewer_changes_nothing(as_role: Callable[[str], TestClient], method: str, path: str) -> None:
    answer = as_role("viewer").request(method, path, json={"dataset": "dresses"})
    assert answer.status_code == 403


def test_recipes_tell_each_parameter_and_what_it_may_be(editor: TestClient) -> None:
    items = editor.get("/api/v1/recipes").json()["items"]
    classifier = next(item for item in items if item["pipeline"] == "review-classifier")
    assert {"quick", "standard", "best", "labs"} == {recipe["name"] for recipe in classifier["recipes"]}
    epochs = next(each for each in classifier["parameters"] if each["name"] == "epochs")
    assert (epochs["type"], epochs["low"]) == ("integer", 1)


def events_of(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    found = []
    for block in text.strip().split("\n\n"):
        if not block.startswith(":"):
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_the_stream_tells_everything_once_resumes_and_closes_with_the_run(
    editor: TestClient, dataset: str, toys: Toys
) -> None:
    run = start(editor, dataset)
    toys.deliver()
    address = f"/api/v1/runs/{run['id']}/events"
    answer = editor.get(address)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer.text)
    assert [seq for seq, _, _ in events] == sorted({seq for seq, _, _ in events})
    assert events[-1][1:] == ("run", {**events[-1][2], "status": "succeeded"})
    steps = [(data["step"], data["state"]) for _, kind, data in events if kind == "step"]
    assert steps[0] == ("prepare", "ready")
    assert ("register", "succeeded") in steps
    middle = events[len(events) // 2][0]
    resumed = events_of(editor.get(address, headers={"Last-Event-ID": str(middle)}).text)
    assert resumed == [event for event in events if event[0] > middle]
    assert editor.get("/api/v1/runs/run_none/events").status_code == 404
