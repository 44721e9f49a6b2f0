"""A worker with a home of its own joins by a token, and works on a run that began before it was there."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.runs.workers import joining
from app.runs.workers import queries as worker_queries
from app.runs.workers.storage_probe import storage_problem
from tests.programs.fleet import ROOT, wait_until
from tests.programs.installation import Toys, toy_services
from tests.programs.redis_server import serving_redis

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def settings(tmp_path: Path, database_url: str | None) -> Iterator[Settings]:
    """Everything that another machine can reach; the web process's home is none of its business."""
    with serving_redis() as redis:
        yield Settings(
            home=tmp_path / "first",
            database_url=database_url,
            redis_url=redis.url,
            storage=str(tmp_path / "shared"),
            lease_seconds=10,
        )


@pytest.fixture
def toys(settings: Settings) -> Iterator[Toys]:
    """Its messages go through the broker."""
    services = open_services(settings)
    toys = toy_services(services)
    yield Toys(toys, toys.messenger)  # type: ignore[arg-type]
    services.close()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """``machine("second", settings, …)`` starts a worker that knows nothing but these settings."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, told: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
        environment = {key: os.environ[key] for key in ("PATH", "LANG", "HOME") if key in os.environ}
        environment |= {"FITTINGROOM_HOME": str(tmp_path / name), **told}
        command = [sys.executable, "-m", "workers.starting", "--app", "tests.programs.toy_worker", *words]
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
    for process in started:
        process.wait(60)


def done_by(toys: Toys, run_id: str) -> set[str]:
    detail = toys.detail(run_id)
    return {each.worker for tries in detail.attempts.values() for each in tries if each.status == "succeeded"}


@ON_POSTGRESQL
def test_a_machine_that_joins_in_mid_run_is_used_and_leaves_when_its_key_is_revoked(
    toys: Toys,
    services: Services,
    as_role: Callable[..., TestClient],
    client: TestClient,
    machine: Callable[..., subprocess.Popen[bytes]],
) -> None:
    admin = as_role("admin")
    key = admin.post("/api/v1/workers/keys", json={"name": "shed"}).json()
    answer = client.post("/api/v1/workers/join", json={"token": key["token"]})
    told = answer.json()["settings"]
    assert "DATABASE_URL" in told
    assert client.post("/api/v1/workers/join", json={"token": key["token"]}).status_code == 403
    machine("first", joining.settings_for_others(services.settings), "--queues", "cpu", "--slots", "1")
    run_id = toys.launch("wide")
    wait_until(lambda: done_by(toys, run_id), "the first machine's worker did a step")
    # However slow the second one is to come up, there is work left for it.
    (first,) = admin.get("/api/v1/workers").json()["items"]
    admin.post(f"/api/v1/workers/{first['id']}/draining", json={})
    second = machine("second", told, "--queues", "cpu,io", "--slots", "3")
    wait_until(lambda: toys.detail(run_id).run.finished_at, "the run ended")
    detail = toys.detail(run_id)
    assert detail.run.status == "succeeded", detail.run.message
    assert len(done_by(toys, run_id)) == 2
    assert first["id"] in done_by(toys, run_id)
    assert {len(tries) for tries in detail.attempts.values()} == {1}
    rows = admin.get("/api/v1/workers").json()["items"]
    assert [row["key"] for row in rows if row["id"].endswith(f"-{second.pid}")] == ["shed"]
    assert admin.delete(f"/api/v1/workers/keys/{key['id']}").status_code == 204
    assert second.wait(60) == 0
    with toys.services.works.reading() as work:
        assert len(worker_queries.live_workers(work.session)) == 1


def refused(machine: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, told: dict[str, str]) -> str:
    assert machine("other", told).wait(60) == 1
    return (tmp_path / "other.log").read_text()


@ON_POSTGRESQL
def test_a_worker_that_misses_something_says_what(
    toys: Toys, tmp_path: Path, machine: Callable[..., subprocess.Popen[bytes]]
) -> None:
    whole = joining.settings_for_others(toys.services.settings)
    assert "DATABASE_URL is missing" in refused(machine, tmp_path, {})
    lacking = {name: value for name, value in whole.items() if name != "REDIS_URL"}
    assert "REDIS_URL is missing" in refused(machine, tmp_path, lacking)
    assert storage_problem(toys.services.works, toys.services.storage) == ""
    elsewhere = {**whole, "FITTINGROOM_STORAGE": str(tmp_path / "elsewhere")}
    assert "not the storage of the installation" in refused(machine, tmp_path, elsewhere)
