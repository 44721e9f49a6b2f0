"""Workers over REST: who works, drained and resumed by administrators, audited."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from tests.app.runs.staging import Stage

Browser = Callable[..., TestClient]


def test_the_list_tells_what_each_worker_is_and_has(stage: Stage, as_role: Browser) -> None:
    run = stage.launch(stage.dataset())
    stage.worker("cpu", "gpu", "io", devices=["0"])
    stage.claim(run, "prepare")
    answer = as_role("viewer").get("/api/v1/workers").json()
    (worker,) = answer["items"]
    assert (worker["id"], worker["state"], worker["devices"]) == ("cpu-1", "alive", ["0"])
    assert worker["running"] == [{"run": 1, "run_id": run, "step": "prepare"}]
    assert worker["same_version"] is False
    assert answer["queues_without_worker"] == []


def test_an_administrator_drains_and_resumes(stage: Stage, as_role: Browser) -> None:
    stage.launch(stage.dataset())
    stage.worker("cpu", "io")
    admin, editor = as_role("admin"), as_role("editor")
    address = "/api/v1/workers/cpu-1/draining"
    assert editor.post(address, json={}).status_code == 403
    assert admin.post(address, json={}).json()["state"] == "drained"
    assert admin.get("/api/v1/workers").json()["queues_without_worker"] == ["cpu"]
    assert admin.delete(address).json()["state"] == "alive"
    assert admin.post("/api/v1/workers/nobody/draining", json={}).status_code == 404
    actions = [entry["action"] for entry in admin.get("/api/v1/audit").json()["items"]]
    assert actions[:2] == ["worker.resumed", "worker.drained"]


def test_the_buttons_of_the_system_page_do_the_same(stage: Stage, browser_as: Browser) -> None:
    stage.worker("cpu", "io")
    admin = browser_as("admin")
    assert admin.post("/system/workers/cpu-1/drain").headers["location"] == "/system"
    assert admin.get("/api/v1/workers").json()["items"][0]["state"] == "drained"
    assert admin.post("/system/workers/cpu-1/resume").status_code == 303
    assert browser_as("editor").post("/system/workers/cpu-1/drain").status_code == 403


def test_an_embedded_installation_says_why_no_machine_can_join(as_role: Browser) -> None:
    answer = as_role("admin").post("/api/v1/workers/keys", json={"name": "shed"})
    assert answer.status_code == 409
    for word in ("DATABASE_URL", "REDIS_URL", "FITTINGROOM_STORAGE"):
        assert word in answer.json()["detail"]


def test_a_run_is_put_elsewhere_while_it_has_not_ended(stage: Stage, as_role: Browser) -> None:
    run = stage.launch(stage.dataset())
    editor = as_role("editor")
    changed = editor.patch(f"/api/v1/runs/{run}", json={"priority": "high", "device": "cpu"}).json()
    assert (changed["priority"], changed["device"]) == ("high", "cpu")
    assert editor.patch(f"/api/v1/runs/{run}", json={"priority": "urgent"}).status_code == 422
    editor.post(f"/api/v1/runs/{run}/cancellation")
    assert editor.patch(f"/api/v1/runs/{run}", json={"priority": "low"}).status_code == 409
