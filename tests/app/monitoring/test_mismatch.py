"""C25: database and files of different times, after a restore of only one of them. A report, and no crash."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.accounts import audit
from app.accounts.tokens import create_service_token
from app.core import outbox
from app.core.security import Role
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services, outbox_senders
from app.main import create
from app.monitoring.backup import restoring, saving
from app.monitoring.checking import check
from tests.app.runs.staging import Stage
from tests.conftest import BASE_URL
from tests.programs.installation import Inbox, Toys, toy_services
from tests.programs.postgres import Postgres

DATABASES = pytest.mark.parametrize(
    "database_url", [None, "postgresql"], indirect=True, ids=["sqlite", "postgresql"]
)


def silent(_what: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture
def earlier(tmp_path: Path, database_url: str | None, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Where the backup from before is restored to."""
    server: Postgres | None = request.getfixturevalue("postgres") if database_url else None
    url = server.create() if server else None
    yield Settings(home=tmp_path / "earlier", database_url=url, redis_url=None, sample=None)
    if server and url:
        server.drop(url)


def restore_earlier(services: Services, earlier: Settings, tmp_path: Path) -> Callable[[], None]:
    saving.save(services.settings, services.storage, tmp_path / "backups", silent)
    return lambda: (restoring.restore(earlier, tmp_path / "backups", silent), None)[1]


def files_of(source: Path, target: Path) -> None:
    shutil.rmtree(target / "storage")
    shutil.copytree(source / "storage", target / "storage")


@DATABASES
def test_c25_a_database_older_than_the_files_is_reported(
    services: Services, earlier: Settings, tmp_path: Path
) -> None:
    stage = Stage(services, "usr_1")
    version = stage.dataset()
    going = stage.launch(version)
    stage.claim(going, "prepare")
    restore = restore_earlier(services, earlier, tmp_path)
    later = stage.launch(version, epochs=2)
    stage.succeed(later, "prepare", {"snapshot.json": b"made after the backup"})
    with services.works.writing() as work:
        audit.record(work.session, "usr_1", "run.launched", later)
    outbox.deliver(services.works, outbox_senders(services))
    restore()
    files_of(services.settings.home, earlier.home)
    shutil.copyfile(audit.anchor_file(services.settings.home), audit.anchor_file(earlier.home))
    again = open_services(earlier)
    try:
        report = check(again, content=True)
        assert not report.losses
        assert report.unnamed == 2, "the file made after the backup, and its manifest"
        assert [run.id for run in report.unfinished] == [going]
        assert "missing" in report.audit, "entries that were anchored are no longer there"
        assert not report.whole
        _pages_answer(again, f"/runs/{going}")
    finally:
        again.close()


@DATABASES
def test_c25_files_older_than_the_database_are_reported_and_made_again(
    services: Services, earlier: Settings, tmp_path: Path
) -> None:
    inbox = Inbox()
    toys = Toys(toy_services(services, inbox), inbox)
    restore = restore_earlier(services, earlier, tmp_path)
    run = toys.launch()
    toys.deliver()
    assert set(toys.states(run).values()) == {"succeeded"}, toys.detail(run).steps
    restore()
    files_of(earlier.home, services.settings.home)
    report = check(services)
    lost = {loss.what for loss in report.losses}
    made = [step.name for step in toys.detail(run).steps if step.artifact]
    number = toys.detail(run).run.number
    assert {f"run #{number}, step {name}" for name in made} <= lost
    assert all(loss.state == "missing" and loss.remedy for loss in report.losses)
    _pages_answer(services, f"/runs/{run}", missing=f"/api/v1/runs/{run}/artifacts")
    again = toys.launch()  # its input is put again, as a repeated import does
    toys.deliver()
    assert set(toys.states(again).values()) == {"succeeded"}
    assert check(services).whole, "the same content under the same name: the first run is whole again too"
    first = {step.name: step.artifact for step in toys.detail(run).steps}
    assert {step.name: step.artifact for step in toys.detail(again).steps} == first


def _pages_answer(services: Services, *addresses: str, missing: str = "") -> None:
    with services.works.writing() as work:
        _, secret = create_service_token(work, "looker", Role.ADMIN)
    application = create(replace(services))
    with TestClient(application, base_url=BASE_URL) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        for address in ("/", "/system", "/runs", "/readyz", "/metrics", "/audit/verification", *addresses):
            assert client.get(address).status_code == 200, address
        if missing:
            answer = client.get(missing)
            assert answer.status_code < 500, answer.text
