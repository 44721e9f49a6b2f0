"""A snapshot of the databases as they stood at one moment, taken while others write; and the way back.

SQLite copies itself by VACUUM INTO, in a reading transaction. PostgreSQL is dumped by its own pg_dump, within
a snapshot that this process holds open: what the snapshot's rows name is read from the very same moment.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import MetaData, create_engine, func, inspect, select, text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app.core import migrations
from app.core.database import Main, Telemetry
from app.core.errors import Conflict, Unavailable
from app.core.settings import Settings

DUMP = "database.dump"
FILES = {"main": "main.db", "telemetry": "telemetry.db"}
PLAIN = {"host", "hostaddr", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey"}
CLIENT = "apt-get install postgresql-client"


class ProgramMissing(Unavailable):
    title = "A program is missing"


class DumpFailed(Unavailable):
    title = "The database could not be saved"


class NotEmpty(Conflict):
    title = "Something is there already"


def kind_of(settings: Settings) -> str:
    return "postgresql" if settings.database_url else "sqlite"


@contextmanager
def snapshot(settings: Settings, folder: Path) -> Iterator[Session]:
    """The databases are written into ``folder``; the session reads what was written there."""
    if kind_of(settings) == "sqlite":
        for source, name in ((settings.home / name, name) for name in FILES.values()):
            _copy_sqlite(source, folder / name)
        with _reading_copy(folder / FILES["main"]) as session:
            yield session
        return
    with _postgres(settings).connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        name = connection.scalar(text("SELECT pg_export_snapshot()"))
        _run("pg_dump", settings, "--format=custom", f"--snapshot={name}", f"--file={folder / DUMP}")
        with Session(connection) as session:
            yield session


def _copy_sqlite(source: Path, target: Path) -> None:
    connection = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    finally:
        connection.close()


@contextmanager
def _reading_copy(path: Path) -> Iterator[Session]:
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", poolclass=NullPool)
    with engine.connect() as connection, Session(connection) as session:
        yield session


def restore(settings: Settings, folder: Path) -> None:
    """Into databases that are not there yet. ``settings`` are those of the new installation."""
    if kind_of(settings) == "sqlite":
        for name in FILES.values():
            shutil.copyfile(folder / name, settings.home / name)
        return
    _run("pg_restore", settings, "--single-transaction", "--exit-on-error", str(folder / DUMP))


def require_empty(settings: Settings) -> None:
    if settings.database_url and (tables := inspect(_postgres(settings)).get_table_names()):
        raise NotEmpty(
            f"The database that DATABASE_URL names has {len(tables)} tables.",
            "Make a new one with createdb, and name that.",
        )


def server(settings: Settings) -> str:
    if kind_of(settings) == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with _postgres(settings).connect() as connection:
        return f"PostgreSQL {connection.scalar(text('SHOW server_version'))}"


def revisions(session: Session, folder: Path) -> dict[str, str]:
    """By bind. On SQLite the telemetry database is another file."""
    found = {"main": _revision(session, "main")}
    if (folder / FILES["telemetry"]).exists():
        with _reading_copy(folder / FILES["telemetry"]) as telemetry:
            found["telemetry"] = _revision(telemetry, "telemetry")
    else:
        found["telemetry"] = _revision(session, "telemetry")
    return found


def _revision(session: Session, bind: str) -> str:
    return session.scalar(text(f"SELECT version_num FROM {migrations.version_table(bind)}")) or ""  # noqa: S608


def row_counts(session: Session, folder: Path) -> dict[str, int]:
    counts = _counts(session, Main.metadata)
    if (folder / FILES["telemetry"]).exists():
        with _reading_copy(folder / FILES["telemetry"]) as telemetry:
            return counts | _counts(telemetry, Telemetry.metadata)
    return counts | _counts(session, Telemetry.metadata)


def counts_of(settings: Settings) -> dict[str, int]:
    """Of a database that has just been restored."""
    if kind_of(settings) == "sqlite":
        with _reading_copy(settings.home / FILES["main"]) as session:
            return row_counts(session, settings.home)
    with _postgres(settings).connect() as connection, Session(connection) as session:
        return row_counts(session, settings.home)


def _counts(session: Session, metadata: MetaData) -> dict[str, int]:
    """Of the tables that are there: an older backup has fewer."""
    connection: Connection = session.connection()
    there = set(inspect(connection).get_table_names())
    tables = [table for table in metadata.sorted_tables if table.name in there]
    return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def _postgres(settings: Settings) -> Engine:
    url = make_url(settings.main_database_url).set(drivername="postgresql+psycopg")
    return create_engine(url, poolclass=NullPool)


def _run(program: str, settings: Settings, *arguments: str) -> None:
    """The password goes by the environment: arguments can be read by every user of the machine."""
    if shutil.which(program) is None:
        raise ProgramMissing(f"{program} is not installed.", f"Type: {CLIENT}")
    url = make_url(settings.main_database_url).set(drivername="postgresql")
    given = conninfo_to_dict(url.render_as_string(hide_password=False))
    address = make_conninfo("", **{name: str(value) for name, value in given.items() if name in PLAIN})
    password = {"PGPASSWORD": str(given["password"])} if given.get("password") else {}
    command = [program, f"--dbname={address}", "--no-owner", "--no-privileges", *arguments]
    done = subprocess.run(  # noqa: S603 - from PATH, with our own arguments
        command, env={**os.environ, **password}, capture_output=True, text=True
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DumpFailed(f"{program} failed: {last}", f"Is it as new as the server? {CLIENT}")
