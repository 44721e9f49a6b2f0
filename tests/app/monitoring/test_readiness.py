"""/readyz: what is missing for anybody, why for an administrator; and 503 before this process goes."""

from collections.abc import Callable

import pytest
from alembic import command
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app import health
from app.core import migrations
from app.core.services import Services
from app.runs.tables import StorageProbe


def test_an_administrator_is_told_why_and_others_only_which_part(as_role: Callable[..., TestClient]) -> None:
    told = as_role("admin").get("/readyz").json()
    assert set(told["details"]) == set(told["checks"])
    assert all(told["details"].values())
    assert "details" not in as_role("approver").get("/readyz").json()


def test_tables_of_another_version_make_it_unavailable(client: TestClient, services: Services) -> None:
    url = services.settings.main_database_url
    command.stamp(migrations.configuration("main", url), "0003_main", purge=True)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] is False
    assert answer.json()["checks"]["database"] is True


def test_a_database_that_is_away_makes_it_unavailable_while_livez_answers(
    client: TestClient, services: Services
) -> None:
    (services.settings.home / "main.db").rename(services.settings.home / "elsewhere.db")
    services.databases.main.engine.dispose()
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200


def test_too_little_disk_makes_it_unavailable(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DISK_BYTES", 10**18)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["disk"] is False


def test_a_storage_of_another_installation_is_degraded(client: TestClient, services: Services) -> None:
    with services.works.writing() as work:
        work.session.add(StorageProbe(sha256="0" * 64))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["storage"] is False


def test_a_process_that_leaves_is_unavailable_and_asks_to_close(app: FastAPI, client: TestClient) -> None:
    app.state.leaving.now = True
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["staying"] is False
    assert client.get("/livez").headers["connection"] == "close"
