"""The migrations build exactly the tables that the code works with."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, text
from sqlalchemy.exc import DatabaseError

from app.accounts.tables import AuditEntry
from app.core import migrations
from app.core.database import Database, Databases, Main, Telemetry, now
from app.core.services import Services
from app.core.settings import Settings

METADATA = {"main": Main.metadata, "telemetry": Telemetry.metadata}


@pytest.mark.parametrize("bind", migrations.BINDS)
def test_migrated_tables_are_those_of_the_code(services: Services, bind: str) -> None:
    database: Database = getattr(services.databases, bind)
    options = {"version_table": migrations.version_table(bind), "compare_server_default": True}
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


def test_the_audit_can_only_grow(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    migrations.upgrade(settings)
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
