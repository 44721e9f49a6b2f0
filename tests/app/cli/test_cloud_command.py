"""``fittingroom cloud`` as it is typed, against a real server, a worker's errands and the simulator.

And the promise about credentials: whatever was done, none stands in a database, on a page, in a log or in
what the command line has printed.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.core.database import Main, Telemetry
from app.core.services import Services
from app.handlers import errand_doers
from app.integrations.aws.clients import forget_clients
from tests.app.cli.test_on_the_machine import fittingroom
from tests.programs.cloud import Simulator
from tests.programs.serving import serving
from workers.errands import Errands

KEY, SECRET, TOKEN = "AKIASENTINEL0000KEY", "sentinel/of+the/secret+access/key", "sentinel-session-token"
PAGES = ("", "/resources", "/resources/deletion", "/prices")
Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(
    services: Services, app: FastAPI, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Typed]:
    """Types a command; all that any of them printed is in ``said``."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("DATABASE_URL", services.settings.database_url or "")
    services.settings.aws_endpoint = simulator.endpoint
    forget_clients()
    home = services.settings.home
    made = fittingroom(home, "token", "create", "--role", "admin")
    errands = Errands(services, errand_doers(), "w1")
    errands.start()
    with serving(app) as url:

        def type_it(*words: str) -> subprocess.CompletedProcess[str]:
            return fittingroom(
                home, "cloud", *words, FITTINGROOM_URL=url, FITTINGROOM_TOKEN=made.stdout.strip()
            )

        yield type_it
    errands.stop()
    forget_clients()


def everything_stored(services: Services, home: Path) -> str:
    rows = []
    for metadata, database in (
        (Main.metadata, services.databases.main),
        (Telemetry.metadata, services.databases.telemetry),
    ):
        with database.engine.connect() as connection:
            for table in metadata.sorted_tables:
                rows += [str(row) for row in connection.execute(select(table))]
    files = (file for file in home.rglob("*") if file.is_file() and not file.name.endswith((".db", "-shm")))
    return "\n".join(rows) + "\n".join(file.read_bytes().decode("latin-1") for file in files)


def test_from_set_up_to_deleted_and_no_credential_stays_anywhere(
    typed: Typed,
    services: Services,
    simulator: Simulator,
    browser_as: Callable[[str], TestClient],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []

    def tell(*words: str) -> subprocess.CompletedProcess[str]:
        done = typed(*words)
        said.append(done.stdout + done.stderr)
        return done

    bucket = simulator.new_bucket()
    place = ("--region", simulator.region, "--bucket", bucket)
    assert tell("setup", *place, "--role", "not-an-arn").returncode == 1
    assert "arn:aws:iam::123456789012" in said[-1]
    assert tell("setup", *place, "--role", simulator.role_arn).returncode == 0
    assert json.loads(tell("show", "-o", "json").stdout)["bucket"] == bucket
    assert json.loads(tell("policy", "trust").stdout)["Version"] == "2012-10-17"
    simulator.fail("GetCallerIdentity", "ExpiredToken", message="The security token is expired", times=3)
    assert tell("check").returncode == 1
    tags = [{"Key": "fittingroom:installation", "Value": browser_tag(services)}]
    simulator.client("sagemaker").create_model_package_group(
        ModelPackageGroupName="fittingroom-command", Tags=tags
    )
    assert "fittingroom-command" in tell("resources", "--check").stdout
    deleted = tell("delete-all", "--yes", "-o", "json")
    assert json.loads(deleted.stdout) == {"deleted": 1, "failed": []}
    browser = browser_as("admin")
    said += [browser.get(f"/settings/cloud{page}").text for page in PAGES]
    said += [browser.get("/api/v1/cloud").text, browser.get("/api/v1/cloud/policies").text]
    said += [caplog.text, *capfd.readouterr(), everything_stored(services, services.settings.home)]
    for credential in (KEY, SECRET, TOKEN):
        assert not [text[:200] for text in said if credential in text]


def browser_tag(services: Services) -> str:
    from app.integrations.aws.config import config_of

    with services.works.reading() as work:
        config = config_of(work, services.settings)
        assert config is not None
        return config.installation_id


def test_a_field_for_a_credential_is_not_taken(as_role: Callable[[str], TestClient]) -> None:
    wanted = {"region": "us-east-1", "secret_access_key": SECRET}
    answer = as_role("admin").put("/api/v1/cloud", json=wanted)
    assert answer.status_code == 422
    assert SECRET not in answer.text
