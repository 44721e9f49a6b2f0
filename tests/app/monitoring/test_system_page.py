"""The system page and its REST resource: what runs and waits, and what to do where something is wrong."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.database import now
from app.core.outbox import Message
from app.core.services import Services
from app.monitoring.tables import Schedule
from app.runs.tables import Worker
from tests.app.runs.staging import Stage
from tests.reading import Page

PAGE = {"Accept": "text/html"}


def add_worker(services: Services, name: str, queues: list[str], silent_seconds: float = 0) -> None:
    with services.works.writing() as work:
        worker = Worker(
            id=name, host="cellar", pid=7, queues=queues, slots={"heavy": 1, "light": 2}, kinds=[]
        )
        worker.version, worker.seen_at = "1", now(-silent_seconds)  # type: ignore[assignment]
        work.session.add(worker)


def test_an_empty_installation_says_how_to_start_a_worker(browser_as: Callable[..., TestClient]) -> None:
    page = browser_as("admin").get("/system", headers=PAGE)
    assert page.status_code == 200
    assert "No worker is alive" in page.text
    assert "fittingroom worker start --queues cpu,io" in page.text
    assert "No step is held" in page.text


def test_what_waits_without_a_worker_and_who_holds_what(
    services: Services, browser_as: Callable[..., TestClient], as_role: Callable[..., TestClient]
) -> None:
    stage = Stage(services, "usr_1")
    version = stage.dataset()
    held, waiting = stage.launch(version), stage.launch(version, epochs=2)
    add_worker(services, "cpu-1", ["io"])
    add_worker(services, "old-1", ["cpu"], silent_seconds=600)
    stage.lose(held, "prepare")
    stage.claim(held, "prepare", "cpu-1")
    page = browser_as("admin").get("/system", headers=PAGE)
    assert "no worker takes any" in page.text
    assert f'href="/runs/{held}?step=prepare"' in page.text
    assert "Silent" in page.text
    assert "/system/workers/cpu-1/drain" in page.text
    document = as_role("admin").get("/api/v1/system").json()
    assert [lease["owner"] for lease in document["leases"]] == ["cpu-1"]
    assert document["lost_attempts"][0]["run_id"] == held
    assert sum(queue["waiting"] for queue in document["queues"]) == 1
    assert {worker["id"]: worker["state"] for worker in document["workers"]}["old-1"] == "silent"
    assert waiting


def test_a_worker_is_drained_and_resumed_from_the_page(
    services: Services, browser_as: Callable[..., TestClient]
) -> None:
    add_worker(services, "cpu-1", ["cpu"])
    browser = browser_as("admin")
    assert browser.post("/system/workers/cpu-1/drain").headers["location"] == "/system"
    page = browser.get("/system", headers=PAGE).text
    assert "Drained" in page
    assert "/system/workers/cpu-1/resume" in page
    browser.post("/system/workers/cpu-1/resume")
    assert "Alive" in browser.get("/system", headers=PAGE).text


def test_each_trouble_is_said_with_its_remedy(
    services: Services, as_role: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_worker(services, "io-1", ["io"])
    with services.works.writing() as work:
        work.session.get_one(Worker, "io-1").problem = "It can't read the storage."
        work.session.add(
            Message(kind="audit.anchor", payload={}, created_at=now(-900), last_error="disk full")
        )
        work.session.add(Schedule(name="collection", error="No space left on device"))
    monkeypatch.setattr("app.monitoring.problems.LOW_DISK_BYTES", 10**18)
    told = as_role("admin").get("/api/v1/system").json()["problems"]
    texts = " ".join(problem["text"] for problem in told)
    for wanted in ("can't read the storage", "messages wait", "nearly full", "No space left"):
        assert wanted in texts
    assert all(problem["advice"] for problem in told)


def test_a_chore_is_asked_for_and_audited(
    services: Services, browser_as: Callable[..., TestClient], as_role: Callable[..., TestClient]
) -> None:
    browser = browser_as("admin")
    assert browser.post("/system/chores", data={"name": "collection"}).status_code == 303
    entries = as_role("admin").get("/api/v1/audit", params={"action": "chore.asked"}).json()["items"]
    assert [entry["subject_id"] for entry in entries] == ["collection"]
    assert browser.post("/system/chores", data={"name": "nonsense"}).status_code == 404


def test_collecting_over_rest_is_dry_unless_told_otherwise(
    services: Services, as_role: Callable[..., TestClient]
) -> None:
    admin = as_role("admin")
    services.storage.put_bytes(b"new and unnamed")
    said = admin.post("/api/v1/system/collection", json={}).json()
    assert (said["dry_run"], said["count"], said["kept"]) == (True, 0, 1)
    refused = admin.post("/api/v1/system/collection", json={"older_than_hours": 0})
    assert refused.status_code == 422
    assert admin.get("/api/v1/system/check").json()["whole"] is True


def test_the_fragment_is_the_part_that_moves(browser_as: Callable[..., TestClient]) -> None:
    browser = browser_as("admin")
    fragment = browser.get("/system", headers={"HX-Request": "true"})
    assert Page(fragment.text).all("div#live")
    assert "<html" not in fragment.text


def test_it_is_for_administrators(as_role: Callable[..., TestClient]) -> None:
    for role in ("viewer", "editor", "approver"):
        assert as_role(role).get("/api/v1/system").status_code == 403
