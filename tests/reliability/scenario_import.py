"""A file sent to the API, read into a data set version by the real import step, published."""

import json
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.accounts.tokens import create_service_token
from app.core.security import Role
from app.core.services import Services
from app.datasets.tables import DatasetVersion, VersionStatus
from app.main import create
from tests.app.datasets.importing import REVIEWS, push
from tests.conftest import BASE_URL
from tests.reliability import remains, restarting

TOKEN = "token"


def prepare(home: Path) -> None:
    services = restarting.open_at(home)
    with services.works.writing() as work:
        _, secret = create_service_token(work, "uploader", Role.EDITOR)
    (home / TOKEN).write_text(secret)


def act(home: Path) -> None:
    _answer(home).unlink(missing_ok=True)
    services = restarting.open_at(home)
    _push(services)
    restarting.work_off(services, "armed")


def recover(home: Path) -> None:
    """Whoever got no answer looks whether the version is there before sending the file again."""
    services = restarting.open_at(home)
    if not _versions(services):
        _report(home)
        assert _push(services) == 202, _answer(home).read_text()
    restarting.finish_all(services)
    restarting.sweep(services)
    assert _versions(services) == [(VersionStatus.READY, REVIEWS.count(b"\n") - 1)]
    assert not (found := remains.complaints(services)), "\n".join(found)


def _answer(home: Path) -> Path:
    """Beside the home: that may be on a full disk."""
    return home.with_name(f"{home.name}.answer.json")


def _report(home: Path) -> None:
    """What the sender read, where there was an answer."""
    if _answer(home).exists():
        print("answered:", _answer(home).read_text())


def _push(services: Services) -> int:
    home = services.settings.home
    headers = {"Authorization": f"Bearer {(home / TOKEN).read_text()}"}
    with TestClient(
        create(services), base_url=BASE_URL, headers=headers, raise_server_exceptions=False
    ) as client:
        answer = push(client)
    _answer(home).write_text(json.dumps({"status": answer.status_code, **answer.json()}))
    return int(answer.status_code)


def _versions(services: Services) -> list[tuple[str, int | None]]:
    with services.works.reading() as work:
        number = work.session.scalar(select(func.count()).select_from(DatasetVersion))
        found = work.session.execute(select(DatasetVersion.status, DatasetVersion.rows)).all()
    assert number == len(found)
    return [(row[0], row[1]) for row in found]
