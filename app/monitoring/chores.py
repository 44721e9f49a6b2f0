"""Recurring chores: any number of workers look, the database lets one of them do what is due.

Each is short and may be done twice, so a worker that dies in the middle costs nothing but the time until it
is due again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts import audit
from app.accounts.queries import database_time
from app.core.database import now
from app.core.errors import NotFound
from app.core.security import Actor
from app.core.services import Services
from app.core.work import Work
from app.monitoring import collecting, retention
from app.monitoring.tables import Schedule
from app.registry.cloud import syncing

log = structlog.get_logger()

DAY = 24 * 3600.0
FIRST_SECONDS = 15 * 60.0  # a new installation has other things to do
AT_MOST_SECONDS = 3600.0  # a chore that has said nothing for so long is done by somebody else
AGAIN_SECONDS = 3600.0  # after a failure
KEPT_MONTH = 30 * 24.0


class ChoreNotFound(NotFound):
    title = "No such chore"


@dataclass(frozen=True)
class Chore:
    """``does`` stands on the system page, ``run`` answers what it found in numbers."""

    name: str
    does: str
    every: float
    run: Callable[[Services], Mapping[str, Any]]


def _collect(services: Services) -> Mapping[str, Any]:
    """Where collecting is switched off, it is at least counted."""
    hours = services.settings.collect_hours
    done = collecting.collect(
        services, hours=max(hours, collecting.YOUNGEST_HOURS) if hours else KEPT_MONTH, dry=not hours
    )
    return {
        "files": done.count,
        "bytes": done.size,
        "removed": not done.dry,
        "stored_files": done.stored - (0 if done.dry else done.count),
        "stored_bytes": done.stored_size - (0 if done.dry else done.size),
    }


CHORES: Mapping[str, Chore] = {
    "retention": Chore("retention", "Forgets rows that have done their service.", DAY, retention.sweep),
    "registry": Chore(
        "registry", "Compares models with their packages at SageMaker.", 300.0, syncing.check_all
    ),
    "collection": Chore("collection", "Removes stored files that nothing names.", DAY, _collect),
}


def run_due(services: Services, owner: str) -> list[str]:
    """Those that were due and that this worker got; each in units of work of its own."""
    return [chore.name for chore in CHORES.values() if _claimed(services, chore, owner, _do(services, chore))]


def _do(services: Services, chore: Chore) -> Callable[[], Mapping[str, Any]]:
    return lambda: chore.run(services)


def _claimed(services: Services, chore: Chore, owner: str, run: Callable[[], Mapping[str, Any]]) -> bool:
    with services.works.writing() as work:
        if not _claim(work.session, chore, owner):
            return False
    try:
        outcome = run()
    except Exception as error:  # the boundary between a chore and its worker
        log.error("chore_failed", chore=chore.name, exc_info=error)
        _note(services, chore, owner, {"error": str(error)[:500]}, AGAIN_SECONDS)
        return True
    log.info("chore_done", chore=chore.name, **outcome)
    _note(services, chore, owner, {"error": "", "outcome": dict(outcome), "finished_at": now()}, chore.every)
    return True


def _claim(session: Session, chore: Chore, owner: str) -> bool:
    if session.get(Schedule, chore.name) is None:
        _plan(session, chore)
        return False
    due = (
        update(Schedule)
        .where(Schedule.name == chore.name, Schedule.next_at <= now())
        .values(next_at=now(AT_MOST_SECONDS), owner=owner, started_at=now())
        .returning(Schedule.name)
    )
    return session.scalar(due, execution_options={"synchronize_session": False}) is not None


def _plan(session: Session, chore: Chore) -> None:
    try:
        with session.begin_nested():
            session.add(Schedule(name=chore.name, next_at=now(FIRST_SECONDS)))
    except IntegrityError:
        pass  # another worker has just planned it


def _note(
    services: Services, chore: Chore, owner: str, values: Mapping[str, Any], next_seconds: float
) -> None:
    mine = update(Schedule).where(Schedule.name == chore.name, Schedule.owner == owner)
    with services.works.writing() as work:
        ended = mine.values(next_at=now(next_seconds), **values)
        work.session.execute(ended, execution_options={"synchronize_session": False})


def ask_now(work: Work, actor: Actor, name: str) -> Chore:
    """The next worker that looks does it, within a minute."""
    chore = CHORES.get(name)
    if chore is None:
        raise ChoreNotFound(f"There is no chore {name[:40]!r}.", f"There are: {', '.join(CHORES)}.")
    row = work.session.get(Schedule, name)
    if row is None:
        row = Schedule(name=name)
        work.session.add(row)
    row.next_at = database_time(work.session)
    audit.record(work.session, actor.id, "chore.asked", name)
    return chore
