"""Two databases behind one code: SQLite files when embedded, PostgreSQL in production.

``main`` holds what the product decides by, ``telemetry`` what it merely shows (metric points, log
chunks): on SQLite a bulk write into the same file held a heartbeat for a second. No foreign key crosses.
"""

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import JSON, DateTime, Engine, Float, MetaData, create_engine, event, literal
from sqlalchemy.engine import URL, Connection, Dialect, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from app.core.errors import Unavailable
from app.core.settings import Settings

# What a unit of work raises while the database is away, full or busy beyond patience: waiting helps.
AWAY = (DBAPIError, PoolTimeout, Unavailable)

WAIT_SECONDS = 30
GATE_PAUSE_SECONDS = 0.002
CONNECTIONS = 16  # equal to the web process's thread tokens: a thread never queues for a connection
# An error's text goes to the log, and the parameters of its statement are reviews and hashes of secrets.
OPTIONS: dict[str, Any] = {
    "pool_size": CONNECTIONS,
    "max_overflow": 0,
    "pool_timeout": 5,
    "hide_parameters": True,
}

# PostgreSQL is across a network, where silence is all that is heard of a machine that went away. A process
# that froze in a transaction must not keep its locks: the server ends that, and whoever waits goes on.
POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
LIMITS = {
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
}
# A backup or a migration of millions of rows may take its time, only not while others wait for it.
PATIENT = {"lock_timeout": "60s"}
COMMAND = "command"

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware in Python, UTC in the database. A naive value is a mistake and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Main(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class Telemetry(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class now(FunctionElement[datetime]):  # noqa: N801 - it reads as SQL
    """The database's own clock, the only one that leases are measured by. ``now(30)``: 30 s from now."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float = 0) -> None:
        super().__init__(literal(float(seconds), Float))


@compiles(now, "sqlite")
def _now_sqlite(element: now, compiler: SQLCompiler, **keywords: Any) -> str:
    # The very format SQLAlchemy stores, so that the order of texts is the order of times.
    seconds = compiler.process(element.clauses, **keywords)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({seconds}) || ' seconds')"


@compiles(now, "postgresql")
def _now_postgresql(element: now, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"(clock_timestamp() + ({compiler.process(element.clauses, **keywords)}) * interval '1 second')"


class moment(FunctionElement[datetime]):  # noqa: N801 - it reads as SQL
    """The time, the same for all rows of a query: an order by it must not move while it is read."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(moment, "sqlite")
def _moment_sqlite(_element: moment, _compiler: SQLCompiler, **_keywords: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(moment, "postgresql")
def _moment_postgresql(_element: moment, _compiler: SQLCompiler, **_keywords: Any) -> str:
    return "transaction_timestamp()"


class seconds_between(FunctionElement[float]):  # noqa: N801 - it reads as SQL
    """How long from the first time to the second."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _between_sqlite(element: seconds_between, compiler: SQLCompiler, **keywords: Any) -> str:
    start, end = (compiler.process(each, **keywords) for each in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _between_postgresql(element: seconds_between, compiler: SQLCompiler, **keywords: Any) -> str:
    start, end = (compiler.process(each, **keywords) for each in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({end} - {start})) AS DOUBLE PRECISION)"


class WriteGate:
    """Lets one writer at a time into a SQLite file.

    SQLite's own busy handler is unfair: of eight writers the slowest waited for seconds, with this gate for
    a tenth of one.
    A unit of work never opens a second writing one; the time limit turns that mistake into an error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    @contextmanager
    def entered(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("The database is busy.", "Try again in a moment.")
        try:
            with self._path.open("w") as side_file:
                _lock(side_file)
                yield
        finally:
            self._lock.release()


def _lock(side_file: IO[str]) -> None:
    """Asked again and again, because the kernel's own waiting has no end: a process that was frozen while it
    wrote would take everybody else along."""
    give_up_at = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return fcntl.flock(side_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise Unavailable("The database is busy.", "Try again in a moment.") from None
            time.sleep(GATE_PAUSE_SECONDS)


@dataclass(frozen=True)
class Database:
    """One engine; ``gate`` is None where the server orders writers by itself."""

    engine: Engine
    gate: WriteGate | None

    @classmethod
    def open(cls, url: str, role: str = COMMAND) -> "Database":
        """``role`` is how PostgreSQL's own lists name this process."""
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            # Asked before each use: a connection may have died with a server that is back by now.
            engine = create_engine(postgresql_url(parsed, role), **OPTIONS, pool_pre_ping=True)
            event.listen(engine, "begin", _begin_postgresql)
            event.listen(engine, "handle_error", _without_detail)
            return cls(engine, None)
        path = Path(parsed.database or "")
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, **OPTIONS)
        event.listen(engine, "connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return cls(engine, WriteGate(path.with_name(path.name + ".gate")))


@dataclass(frozen=True)
class Databases:
    main: Database
    telemetry: Database

    @classmethod
    def open(cls, settings: Settings, role: str = COMMAND) -> "Databases":
        urls = (settings.main_database_url, settings.telemetry_database_url)
        return cls(*(Database.open(url, role) for url in urls))

    def close(self) -> None:
        self.main.engine.dispose()
        self.telemetry.engine.dispose()


def postgresql_url(url: URL, role: str) -> URL:
    """With the driver that is installed and with our settings; what the operator's URL says itself stands."""
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    limits = PATIENT if role.startswith(COMMAND) else LIMITS
    settings = " ".join(f"-c {name}={value}" for name, value in limits.items())
    ours = {"application_name": f"fittingroom {role}", "options": settings, **POSTGRESQL}
    return url.update_query_dict({name: str(ours[name]) for name in ours.keys() - url.query.keys()})


def _connect_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # BEGIN is ours, see below
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        dbapi_connection.execute("PRAGMA " + pragma)


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads, then writes, failed 193 times of 240; IMMEDIATE never did.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only={int(read_only)}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _without_detail(context: ExceptionContext) -> None:
    """PostgreSQL's DETAIL quotes the row that it refused, and the error's text goes to the log."""
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    said = getattr(getattr(error, "diag", None), "message_primary", None)
    if said and wrapped is not None:
        whole = str(error)
        error.args = (said,)
        wrapped.args = tuple(str(text).replace(whole, said) for text in wrapped.args)


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("read_only", False):
        # One moment for all that a page reads, as SQLite gives it: else a step could have succeeded on it
        # while its attempt still ran.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
