"""Brings the databases to the tables of this version, and says whether they are.

Main and telemetry each have a version table of their own, so that on PostgreSQL both live in one database.
"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core.database import Database, Databases
from app.core.settings import Settings

FOLDER = Path(__file__).parents[2] / "migrations"
BINDS = ("main", "telemetry")


def configuration(bind: str, url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("version_locations", str(FOLDER / bind))
    config.attributes.update(bind=bind, url=url)
    return config


def version_table(bind: str) -> str:
    return f"alembic_version_{bind}"


def upgrade(settings: Settings) -> None:
    """Idempotent, and safe to interrupt: each database is upgraded in one transaction."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    urls = {"main": settings.main_database_url, "telemetry": settings.telemetry_database_url}
    for bind in BINDS:
        command.upgrade(configuration(bind, urls[bind]), "head")


def head_differs(settings: Settings) -> bool:
    databases = Databases.open(settings)
    try:
        return behind(databases)
    finally:
        databases.close()


def behind(databases: Databases) -> bool:
    """Whether one of the databases does not stand at the newest migration of this version."""
    return any(revision != _newest(bind) for bind, revision in current(databases).items())


def current(databases: Databases) -> dict[str, str | None]:
    """The newest migration of each database."""
    opened = {"main": databases.main, "telemetry": databases.telemetry}
    return {bind: _current(opened[bind], bind) for bind in BINDS}


def _current(database: Database, bind: str) -> str | None:
    options = {"version_table": version_table(bind)}
    with database.engine.connect().execution_options(read_only=True) as connection:
        return MigrationContext.configure(connection, opts=options).get_current_revision()


@cache
def _newest(bind: str) -> str | None:
    return ScriptDirectory.from_config(configuration(bind, "")).get_current_head()
