"""How a migration runs: on an engine of its own, with SQLite's foreign keys off before the transaction.

A batch operation copies a table and drops the old one; with foreign keys on, that emptied the child table
without an error. They are checked as a whole afterwards, before the commit.
"""

import importlib
from pathlib import Path
from typing import Any

from alembic import context
from sqlalchemy import create_engine, event, func, make_url, select
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from app.core.database import COMMAND, Main, Telemetry, postgresql_url
from app.core.migrations import version_table

METADATA = {"main": Main.metadata, "telemetry": Telemetry.metadata}
APP = Path(__file__).parents[1] / "app"
LOCK = 0x46697474  # any number that nobody else uses
CORE = ("app.core.changes", "app.core.lineage", "app.core.numbers", "app.core.outbox")


def run() -> None:
    bind: str = context.config.attributes["bind"]
    url = make_url(context.config.attributes["url"])
    if url.get_backend_name() == "postgresql":
        url = postgresql_url(url, COMMAND)
    engine = create_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _foreign_keys_off)
        event.listen(engine, "begin", _begin_immediate)
    _import_tables()
    with engine.connect() as connection, connection.begin():
        _migrate(connection, bind)
        if connection.dialect.name == "sqlite":
            _check_foreign_keys(connection)


def _migrate(connection: Connection, bind: str) -> None:
    if connection.dialect.name == "postgresql":
        # Several replicas start at once: the second waits here and then finds everything done.
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    context.configure(
        connection=connection,
        target_metadata=METADATA[bind],
        version_table=version_table(bind),
        include_name=lambda name, kind, _parents: _ours(name, kind, bind),
        render_as_batch=True,
        compare_server_default=True,
        user_module_prefix="database.",
    )
    with context.begin_transaction():
        context.run_migrations()


def _ours(name: str | None, kind: str, bind: str) -> bool:
    """On PostgreSQL the tables of the other database stand beside ours: they are none of our business."""
    return kind != "table" or name in METADATA[bind].tables


def _import_tables() -> None:
    """Every feature's tables, so that the metadata are whole for ``--autogenerate``."""
    for file in sorted(APP.rglob("tables.py")):
        importlib.import_module(".".join(file.relative_to(APP.parent).with_suffix("").parts))
    for name in CORE:
        importlib.import_module(name)


def _foreign_keys_off(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None
    # The pragma does nothing inside a transaction.
    for pragma in ("journal_mode=WAL", "foreign_keys=OFF", "busy_timeout=30000"):
        dbapi_connection.execute("PRAGMA " + pragma)


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise RuntimeError(f"the migration would leave rows without their parents: {broken[:10]}")


run()
