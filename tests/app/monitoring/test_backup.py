"""A backup taken while somebody writes, restored elsewhere: every row, every file, and it goes on."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.accounts import audit
from app.core import migrations
from app.core.database import Main, Telemetry
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.main import create
from app.monitoring.backup import folder, restoring, saving
from app.monitoring.backup.databases import NotEmpty
from app.monitoring.backup.folder import BackupBroken, NoBackup
from app.monitoring.checking import check
from tests.app.monitoring.conftest import Copied
from tests.app.runs.staging import Stage
from tests.conftest import BASE_URL, PASSWORD
from tests.programs.postgres import Postgres
from tests.programs.s3 import S3Server

DATABASES = pytest.mark.parametrize(
    "database_url", [None, "postgresql"], indirect=True, ids=["sqlite", "postgresql"]
)


def silent(_what: str, _done: int, _total: int) -> None:
    pass


def save(services: Services, root: Path) -> saving.Saved:
    return saving.save(services.settings, services.storage, root, silent)


def rows_of(services: Services) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for metadata, open_work in (
        (Main.metadata, services.works.reading),
        (Telemetry.metadata, services.works.telemetry_reading),
    ):
        with open_work() as work:
            for table in metadata.sorted_tables:
                query = select(table).order_by(*table.primary_key.columns)
                found[table.name] = [tuple(row) for row in work.session.execute(query)]
    return found


@pytest.fixture
def new_database(database_url: str | None, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """An empty database to restore into, where the backup is one of PostgreSQL."""
    if database_url is None:
        yield None
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def new_settings(tmp_path: Path, new_database: str | None) -> Settings:
    return Settings(home=tmp_path / "new" / "home", database_url=new_database, redis_url=None, sample=None)


@DATABASES
def test_every_row_and_file_comes_back_while_somebody_writes(
    services: Services, tmp_path: Path, new_settings: Settings
) -> None:
    stage = Stage(services, "usr_1")
    version = stage.dataset()
    run = stage.launch(version)
    stage.train(run)
    stop, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            other = stage.launch(version, epochs=2)
            stage.succeed(other, "prepare", {"snapshot.json": str(written).encode()})
            with services.works.writing() as work:
                audit.record(work.session, "usr_1", "run.written", other)
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while written < 2:
            stop.wait(0.05)
        saved = save(services, tmp_path / "backups")
    finally:
        stop.set()
        writer.join()
    restored = restoring.restore(new_settings, tmp_path / "backups", silent)
    assert restored.manifest == folder.read(saved.folder)
    assert not restored.migrated
    again = open_services(new_settings)
    try:
        before, after = rows_of(services), rows_of(again)
        for table, rows in after.items():
            assert len(rows) == saved.manifest.rows[table]
            # What was written after that moment is not in it; what is in it is as it was, but for rows
            # that have changed since.
            assert {row[0] for row in rows} <= {row[0] for row in before[table]}, table
        report = check(again, content=True)
        assert report.whole, report
        assert report.unnamed == 0
    finally:
        again.close()


@DATABASES
def test_what_stands_still_comes_back_equal(
    services: Services, tmp_path: Path, new_settings: Settings
) -> None:
    stage = Stage(services, "usr_1")
    run = stage.launch(stage.dataset())
    lease = stage.claim(run, "prepare")
    stage.log(lease, "reading", "done")
    stage.measure(lease, train_loss=[(1, 0.5)])
    save(services, tmp_path / "backups")
    restoring.restore(new_settings, tmp_path / "backups", silent)
    again = open_services(new_settings)
    try:
        assert rows_of(again) == rows_of(services)
    finally:
        again.close()


def test_a_restored_house_answers_and_predicts(house: Copied, tmp_path: Path) -> None:
    """Pages, sessions by password, and an approved version that is loaded with each file read again."""
    before = rows_of(house.services)
    save(house.services, tmp_path / "backups")
    settings = Settings(home=tmp_path / "new", database_url=None, redis_url=None, sample=None)
    restoring.restore(settings, tmp_path / "backups", silent)
    again = open_services(settings)
    try:
        assert rows_of(again) == before
        with TestClient(create(again), base_url=BASE_URL) as client:
            assert client.post("/login", data={"name": "anna", "password": PASSWORD}).status_code == 200
            for address in ("/", "/runs", f"/runs/{house.runs['live']}", "/models", "/datasets", "/audit"):
                assert client.get(address).status_code == 200, address
            answer = client.post("/api/v1/endpoints/shop/predict", json={"inputs": ["Lovely dress"]})
            assert answer.status_code == 200, answer.text
            assert answer.json()["model"] == {"name": "clothing", "version": 2}
            assert client.get("/api/v1/audit/verification").json()["intact"]
    finally:
        again.close()


def test_a_second_backup_copies_only_what_is_new(services: Services, tmp_path: Path) -> None:
    stage = Stage(services, "usr_1")
    version = stage.dataset()
    first = save(services, tmp_path)
    assert first.copied == first.manifest.blobs > 0
    stage.succeed(stage.launch(version), "prepare", {"snapshot.json": b"new"})
    second = save(services, tmp_path)
    assert second.copied == 2, "the file and its manifest"
    assert folder.newest(tmp_path) == second.folder
    restoring.restore(Settings(home=tmp_path / "as-it-was"), first.folder, silent)


def test_an_interrupted_backup_is_none(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Stage(services, "usr_1").dataset()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(folder, "keep_blob", full)
        with pytest.raises(OSError, match="No space"):
            save(services, tmp_path / "backups")
    with pytest.raises(NoBackup, match="interrupted"):
        restoring.restore(Settings(home=tmp_path / "new"), tmp_path / "backups", silent)
    whole = save(services, tmp_path / "backups")
    assert [each.name for each in (tmp_path / "backups").glob("20*")] == [whole.folder.name]


def test_a_flipped_byte_is_found_before_anything_is_written(services: Services, tmp_path: Path) -> None:
    Stage(services, "usr_1").dataset()
    saved = save(services, tmp_path / "backups")
    blob = next(path for path in (tmp_path / "backups" / "blobs").rglob("*") if path.is_file())
    content = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    settings = Settings(home=tmp_path / "new")
    with pytest.raises(BackupBroken, match=blob.name[:12]):
        restoring.restore(settings, tmp_path / "backups", silent)
    blob.write_bytes(content)
    database = saved.folder / "main.db"
    database.write_bytes(database.read_bytes()[:-1])
    with pytest.raises(BackupBroken, match=r"main\.db"):
        restoring.restore(settings, tmp_path / "backups", silent)
    assert not settings.home.exists()


def test_nothing_that_exists_is_restored_over(services: Services, tmp_path: Path) -> None:
    save(services, tmp_path / "backups")
    with pytest.raises(NotEmpty, match="not empty"):
        restoring.restore(services.settings, tmp_path / "backups", silent)


def test_an_older_backup_is_migrated_and_a_newer_one_refused(services: Services, tmp_path: Path) -> None:
    from alembic import command

    url = services.settings.main_database_url
    command.downgrade(migrations.configuration("main", url), "-1")
    saved = save(services, tmp_path / "backups")
    settings = Settings(home=tmp_path / "new")
    assert restoring.restore(settings, tmp_path / "backups", silent).migrated
    assert not migrations.head_differs(settings)
    manifest = saved.folder / folder.MANIFEST
    manifest.write_text(manifest.read_text().replace(saved.manifest.migrations["main"], "9999_main"))
    with pytest.raises(BackupBroken, match="9999_main is unknown"):
        restoring.restore(Settings(home=tmp_path / "other"), tmp_path / "backups", silent)


def test_no_secret_of_the_environment_is_saved(services: Services, tmp_path: Path) -> None:
    settings = services.settings.model_copy(update={"redis_url": "redis://:hunter2@broker:6379/0"})
    saved = saving.save(settings, services.storage, tmp_path, silent)
    text = "".join(path.read_text(errors="replace") for path in saved.folder.glob("*.json"))
    assert "hunter2" not in text
    assert "lease_seconds" in text


def test_a_lost_file_is_told_and_the_rest_is_saved(services: Services, tmp_path: Path) -> None:
    stage = Stage(services, "usr_1")
    stage.succeed(stage.launch(stage.dataset()), "prepare", {"snapshot.json": b"lost"})
    lost = services.storage.put_bytes(b"lost").sha256
    services.storage.remove(lost)
    saved = save(services, tmp_path)
    assert [text for text in saved.manifest.missing if text.startswith(lost)]
    assert saved.manifest.blobs == len(folder.blob_list(saved.folder)) > 0
    shutil.rmtree(tmp_path / "blobs")


def test_files_on_s3_are_saved_and_brought_back_to_another_bucket(
    services: Services, s3: S3Server, tmp_path: Path
) -> None:
    there = {"storage": s3.create(), "s3_endpoint": s3.endpoint}
    cloudy = open_services(services.settings.model_copy(update=there))
    try:
        stage = Stage(cloudy, "usr_1")
        stage.succeed(stage.launch(stage.dataset()), "prepare", {"snapshot.json": b"in a bucket"})
        saved = save(cloudy, tmp_path / "backups")
        assert saved.manifest.blobs > 0
        assert not saved.manifest.missing
    finally:
        cloudy.close()
    new = Settings(home=tmp_path / "new", storage=s3.create(), s3_endpoint=s3.endpoint, database_url=None)
    restoring.restore(new, tmp_path / "backups", silent)
    again = open_services(new)
    try:
        report = check(again, content=True)
        assert report.whole
        assert report.stored == saved.manifest.blobs
    finally:
        again.close()
