"""What is due is done once, by whichever worker looks first; what has served its time goes, no more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.accounts.tables import SignInFailure, Token
from app.core.database import now
from app.core.services import Services
from app.monitoring import chores
from app.monitoring.chores import CHORES, Chore, run_due
from app.monitoring.retention import sweep
from app.monitoring.tables import Schedule
from app.runs.tables import LogChunk, MetricPoint, Run
from tests.app.runs.staging import Stage

DATABASES = pytest.mark.parametrize(
    "database_url", [None, "postgresql"], indirect=True, ids=["sqlite", "postgresql"]
)
DAYS = 24 * 3600


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One chore that only says that it was done."""
    done: list[str] = []

    def run(_: Services) -> dict[str, int]:
        done.append("done")
        return {"rows": 3}

    monkeypatch.setattr(chores, "CHORES", {"count": Chore("count", "Counts.", DAYS, run)})
    return done


def make_due(services: Services) -> None:
    with services.works.writing() as work:
        work.session.execute(update(Schedule).values(next_at=now(-1)))


@DATABASES
def test_one_of_many_workers_does_what_is_due(services: Services, counted: list[str]) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: run_due(services, f"worker-{n}"), range(6)))
        assert counted == [], "a new installation waits"
        make_due(services)
        list(pool.map(lambda n: run_due(services, f"worker-{n}"), range(6)))
    assert counted == ["done"]
    with services.works.reading() as work:
        row = work.session.scalars(select(Schedule)).one()
    assert row.outcome == {"rows": 3}
    assert row.error == ""
    assert row.finished_at is not None
    assert row.next_at - row.finished_at > timedelta(hours=23)


def test_a_chore_that_fails_says_why_and_comes_again_sooner(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Services) -> dict[str, int]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chores, "CHORES", {"count": Chore("count", "Counts.", DAYS, fail)})
    run_due(services, "here")
    make_due(services)
    assert run_due(services, "here") == ["count"]
    with services.works.reading() as work:
        row = work.session.scalars(select(Schedule)).one()
    assert "No space left" in row.error
    assert row.started_at is not None
    assert row.next_at - row.started_at < timedelta(hours=2)


def test_the_real_ones_can_be_run(services: Services) -> None:
    for chore in CHORES.values():
        assert isinstance(chore.run(services), dict)


@DATABASES
def test_telemetry_of_runs_that_ended_long_ago_goes_and_of_others_stays(services: Services) -> None:
    stage = Stage(services, "usr_1")
    version = stage.dataset()
    runs = {name: stage.launch(version, epochs=n + 1) for n, name in enumerate(("old", "new", "going"))}
    for name, run in runs.items():
        lease = stage.claim(run, "prepare")
        stage.log(lease, "a line")
        stage.measure(lease, train_loss=[(1, 0.5)])
        if name != "going":
            stage.break_off(lease, "no")
    with services.works.writing() as work:
        long_ago = update(Run).where(Run.id == runs["old"]).values(finished_at=now(-91 * DAYS))
        work.session.execute(long_ago)
    assert sweep(services)["telemetry_of_runs"] == 1
    with services.works.telemetry_reading() as work:
        for table in (LogChunk, MetricPoint):
            assert set(work.session.scalars(select(table.run_id))) == {runs["new"], runs["going"]}
    kept = replace(services, settings=services.settings.model_copy(update={"telemetry_days": 0}))
    assert "telemetry_of_runs" not in sweep(kept)


def test_what_has_served_its_time_goes(services: Services, as_role: Callable[..., TestClient]) -> None:
    client = as_role("viewer")
    made = client.post("/api/v1/tokens", json={"name": "old", "role": "viewer"}).json()
    Stage(services, "usr_1").dataset()
    with services.works.writing() as work:
        for days in (1, 100):
            failure = SignInFailure(name="anna", address="10.0.0.1", at=now(-days * DAYS - 1))
            work.session.add(failure)
        ended = update(Token).where(Token.id == made["id"]).values(revoked_at=now(-91 * DAYS))
        work.session.execute(ended)
    gone = sweep(services)
    assert gone["failed_sign_ins"] == 2
    assert gone["tokens"] == 1
    assert gone["uploads"] == 0, "a version was made of the only one"
    assert client.get("/api/v1/me").status_code == 200, "a token without an end stays"
