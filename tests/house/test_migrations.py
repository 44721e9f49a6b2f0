"""The migrations build exactly the tables that the code works with."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, text
from sqlalchemy.exc import DatabaseError

from app.accounts.tables import AuditEntry
from app.core import migrations
from app.core.database import Database, Databases, Main, Telemetry, now
from app.core.services import Services
from app.core.settings import Settings
from tests.programs.filling import fill
from tests.programs.postgres import Postgres

METADATA = {"main": Main.metadata, "telemetry": Telemetry.metadata}


@pytest.mark.both_databases
@pytest.mark.parametrize("bind", migrations.BINDS)
def test_migrated_tables_are_those_of_the_code(services: Services, bind: str) -> None:
    database: Database = getattr(services.databases, bind)
    # On PostgreSQL the tables of both stand in one database.
    ours = METADATA[bind].tables
    options = {
        "version_table": migrations.version_table(bind),
        "compare_server_default": True,
        "include_name": lambda name, kind, _parents: kind != "table" or name in ours,
    }
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA[bind]) == []


def test_upgrading_twice_changes_nothing_and_an_old_database_is_noticed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert migrations.head_differs(settings)
    migrations.upgrade(settings)
    migrations.upgrade(settings)
    assert not migrations.head_differs(settings)
    url = settings.main_database_url
    command.stamp(migrations.configuration("main", url), "base", purge=True)
    assert migrations.head_differs(settings)


@pytest.mark.both_databases
def test_the_audit_can_only_grow(settings: Settings) -> None:
    databases = Databases.open(settings)
    with databases.main.engine.begin() as connection:
        connection.execute(
            insert(AuditEntry).values(
                seq=1,
                at=now(),
                actor_id="usr_1",
                action="x",
                subject_id="y",
                details={},
                previous_hash="0",
                hash="1",
            )
        )
    for change in ("UPDATE audit_entry SET action = 'z'", "DELETE FROM audit_entry"):
        with pytest.raises(DatabaseError, match="append-only"), databases.main.engine.begin() as connection:
            connection.execute(text(change))
    databases.close()


def url_of(settings: Settings, bind: str) -> str:
    return {"main": settings.main_database_url, "telemetry": settings.telemetry_database_url}[bind]


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        tables = [name for name in inspect(connection).get_table_names() if "alembic" not in name]
        return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in tables}


def one_by_one(database: Database, config: Config, how: Callable[[Config, str], None], to: str) -> None:
    """Each migration alone: whatever table there is before and after it has as many rows as before."""
    step = "-1" if how is command.downgrade else "+1"
    while current(database, config.attributes["bind"]) != to:
        before = counts(database)
        how(config, step)
        after = counts(database)
        kept = before.keys() & after.keys()
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def current(database: Database, bind: str) -> str | None:
    options = {"version_table": migrations.version_table(bind)}
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection, opts=options).get_current_revision()


@pytest.mark.both_databases
def test_filled_tables_go_down_and_up_again_with_every_row(settings: Settings) -> None:
    databases = Databases.open(settings)
    for bind in migrations.BINDS:
        database: Database = getattr(databases, bind)
        fill(database.engine, METADATA[bind])
        config = migrations.configuration(bind, url_of(settings, bind))
        newest = str(ScriptDirectory.from_config(config).get_current_head())
        one_by_one(database, config, command.downgrade, f"0001_{bind}")
        one_by_one(database, config, command.upgrade, newest)
        assert set(METADATA[bind].tables) <= counts(database).keys()
    databases.close()


@pytest.mark.both_databases
def test_all_the_way_down_leaves_nothing_and_up_again_is_whole(settings: Settings) -> None:
    databases = Databases.open(settings)
    for bind in migrations.BINDS:
        fill(getattr(databases, bind).engine, METADATA[bind])
        command.downgrade(migrations.configuration(bind, url_of(settings, bind)), "base")
    assert counts(databases.main) == counts(databases.telemetry) == {}
    migrations.upgrade(settings)
    assert not migrations.head_differs(settings)
    for bind in migrations.BINDS:
        fill(getattr(databases, bind).engine, METADATA[bind])
    databases.close()


def test_replicas_that_start_together_migrate_once(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create()
    program = "from app.core import migrations, settings; migrations.upgrade(settings.Settings())"
    environment = {**os.environ, "DATABASE_URL": url, "FITTINGROOM_HOME": str(tmp_path)}
    replicas = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [replica.communicate()[1] for replica in replicas]
    assert [replica.returncode for replica in replicas] == [0, 0], said
    assert not migrations.head_differs(Settings(home=tmp_path, database_url=url))
