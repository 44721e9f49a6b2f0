"""Units of work: the only place that commits, and nothing is sent before it has.

A GET uses a reading one, so a page view never takes SQLite's write lock.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar, cast

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core.database import Database, Databases
from ml.contract.faults import faultpoint

log = structlog.get_logger()

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Work:
    """One transaction. What must happen only once it stands is given to :meth:`after_commit`.

    It begins when the session is first asked for and ends in :meth:`finish` or :meth:`abandon`. In the web
    process both happen in the route's own thread (:func:`ending_its_work`): whoever held the write gate
    while waiting for a thread would wait for those who have a thread and wait for the gate.
    """

    def __init__(self, begin: Callable[[ExitStack], Session], *, commits: bool) -> None:
        self._begin = begin
        self._commits = commits
        self._held = ExitStack()
        self._after_commit: list[Callable[[], None]] = []
        self._session: Session | None = None
        self._ended = False

    @property
    def session(self) -> Session:
        if self._ended:
            raise RuntimeError("this unit of work has ended")
        if self._session is None:
            self._session = self._begin(self._held)
        return self._session

    def after_commit(self, action: Callable[[], None]) -> None:
        """``action`` is best effort: a crash in between loses it, so something durable must re-send."""
        self._after_commit.append(action)

    def finish(self) -> None:
        """Commit, let go of everything, then send. A second call does nothing."""
        if self._ended:
            return
        try:
            if self._session is not None and self._commits:
                faultpoint("commit.before", _database_full)
                self._session.commit()
                faultpoint("commit.after")
        finally:
            self.abandon()
        for action in self._after_commit:
            try:
                faultpoint("commit.tell")
                action()
            except Exception as error:  # noqa: BLE001 - the commit stands; the dispatcher re-sends
                log.warning("after_commit_failed", error=repr(error))

    def abandon(self) -> None:
        """Roll back what is not committed and let go of everything."""
        self._ended = True
        self._held.close()


def _database_full() -> Exception:
    """What both databases raise where a commit finds no room: for ``faultpoint`` alone."""
    return OperationalError("COMMIT", {}, OSError("database or disk is full"))


def ending_its_work(endpoint: Endpoint) -> Endpoint:
    """Ends the units of work that a synchronous route was given before its thread is handed back."""
    if inspect.iscoroutinefunction(endpoint):
        return endpoint

    @functools.wraps(endpoint)
    def ended(*args: Any, **keywords: Any) -> Any:
        works = [value for value in keywords.values() if isinstance(value, Work)]
        try:
            answer = endpoint(*args, **keywords)
            for work in works:
                work.finish()
        except BaseException:
            for work in works:
                work.abandon()
            raise
        return answer

    return cast(Endpoint, ended)


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
def _opened(begin: Callable[[ExitStack], Session], *, commits: bool) -> Iterator[Work]:
    work = Work(begin, commits=commits)
    try:
        yield work
    except BaseException:
        work.abandon()
        raise
    work.finish()


def _writing(database: Database) -> AbstractContextManager[Work]:
    def begin(held: ExitStack) -> Session:
        if database.gate:
            held.enter_context(database.gate.entered())
        # Nothing expires at commit: what a verb returns can be rendered without another query.
        return held.enter_context(Session(database.engine, expire_on_commit=False))

    return _opened(begin, commits=True)


def _reading(database: Database) -> AbstractContextManager[Work]:
    def begin(held: ExitStack) -> Session:
        connection = held.enter_context(database.engine.connect().execution_options(read_only=True))
        return held.enter_context(Session(connection, expire_on_commit=False, autoflush=False))

    return _opened(begin, commits=False)
