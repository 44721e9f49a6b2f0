"""Units of work: the only place that commits, and nothing is sent before it has.

A GET uses a reading one, so a page view never takes SQLite's write lock.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import structlog
from sqlalchemy.orm import Session

from app.core.database import Database, Databases

log = structlog.get_logger()


class Work:
    """One transaction. What must happen only once it stands is given to :meth:`after_commit`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._after_commit: list[Callable[[], None]] = []

    def after_commit(self, action: Callable[[], None]) -> None:
        """``action`` is best effort: a crash in between loses it, so something durable must re-send."""
        self._after_commit.append(action)

    def _sent(self) -> None:
        for action in self._after_commit:
            try:
                action()
            except Exception:  # the commit stands; the dispatcher re-sends what this lost
                log.warning("after_commit_failed", exc_info=True)


class Works:
    """Opens units of work on the databases of one process."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def writing(self) -> AbstractContextManager[Work]:
        return _writing(self._databases.main)

    def reading(self) -> AbstractContextManager[Work]:
        return _reading(self._databases.main)

    def telemetry_writing(self) -> AbstractContextManager[Work]:
        return _writing(self._databases.telemetry)

    def telemetry_reading(self) -> AbstractContextManager[Work]:
        return _reading(self._databases.telemetry)


@contextmanager
def _writing(database: Database) -> Iterator[Work]:
    gate = database.gate.entered() if database.gate else nullcontext()
    # Nothing expires at commit: what a verb returns can be rendered without another query.
    with gate, Session(database.engine, expire_on_commit=False) as session:
        work = Work(session)
        yield work
        session.commit()
    work._sent()


@contextmanager
def _reading(database: Database) -> Iterator[Work]:
    with (
        database.engine.connect().execution_options(read_only=True) as connection,
        Session(connection, expire_on_commit=False, autoflush=False) as session,
    ):
        yield Work(session)
