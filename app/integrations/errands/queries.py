"""Every read of errands, and the guarded writes whose WHERE is the rule."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.integrations.errands.tables import OPEN, Errand, ErrandState


def errand_by_id(session: Session, errand_id: str) -> Errand | None:
    return session.get(Errand, errand_id)


def errands_of(session: Session, subject_id: str, kinds: Sequence[str], limit: int = 50) -> list[Errand]:
    """Newest first."""
    query = select(Errand).where(Errand.subject_id == subject_id, Errand.kind.in_(kinds))
    return list(session.scalars(query.order_by(Errand.id.desc()).limit(limit)))


def newest(session: Session, subject_id: str, kinds: Sequence[str]) -> Errand | None:
    return next(iter(errands_of(session, subject_id, kinds, 1)), None)


def last_done(session: Session, subject_id: str, kinds: Sequence[str]) -> Errand | None:
    """The newest that ended well."""
    of_it = and_(Errand.subject_id == subject_id, Errand.kind.in_(kinds))
    query = select(Errand).where(of_it, Errand.state == ErrandState.DONE).order_by(Errand.id.desc())
    return session.scalar(query.limit(1))


def open_errands(session: Session, subject_id: str, kinds: Sequence[str]) -> list[Errand]:
    query = select(Errand).where(
        Errand.subject_id == subject_id, Errand.kind.in_(kinds), Errand.state.in_(OPEN)
    )
    return list(session.scalars(query.order_by(Errand.id)))


def due(session: Session, kinds: Sequence[str], limit: int = 10) -> list[str]:
    """Ids of what waits, and of what was taken by somebody who is gone; oldest first."""
    query = select(Errand.id).where(_takeable(), Errand.kind.in_(kinds)).order_by(Errand.id).limit(limit)
    return list(session.scalars(query))


def take(session: Session, errand_id: str, owner: str, seconds: float) -> Errand | None:
    """None where somebody was faster. By the database's clock, as every lease."""
    taken = update(Errand).where(Errand.id == errand_id, _takeable())
    taken = taken.values(
        state=ErrandState.WORKING,
        fence=Errand.fence + 1,
        owner=owner,
        lease_until=now(seconds),
        not_before=None,
        started_at=now(),
    )
    found = _execute(session, taken)
    return session.get_one(Errand, errand_id, populate_existing=True) if found else None


def beat(session: Session, errand_id: str, fence: int, seconds: float) -> bool:
    held = update(Errand).where(_held(errand_id, fence)).values(lease_until=now(seconds))
    return _execute(session, held)


def note(session: Session, errand_id: str, fence: int, done: int, total: int, message: str) -> bool:
    held = update(Errand).where(_held(errand_id, fence)).values(done=done, total=total, message=message)
    return _execute(session, held)


def give_back(
    session: Session, errand_id: str, fence: int, seconds: float, message: str, advice: str
) -> bool:
    """To be taken again after a pause; ``message`` tells meanwhile what it waits for."""
    back = update(Errand).where(_held(errand_id, fence))
    back = back.values(
        state=ErrandState.WAITING,
        owner=None,
        lease_until=None,
        not_before=now(seconds),
        message=message,
        advice=advice,
    )
    return _execute(session, back)


def end(
    session: Session,
    errand_id: str,
    fence: int,
    state: ErrandState,
    message: str = "",
    advice: str = "",
    result: Mapping[str, Any] | None = None,
) -> bool:
    ended = update(Errand).where(_held(errand_id, fence))
    ended = ended.values(
        state=state,
        owner=None,
        lease_until=None,
        message=message,
        advice=advice,
        result=dict(result) if result is not None else None,
        ended_at=now(),
    )
    return _execute(session, ended)


def ask_to_stop(session: Session, errand_id: str) -> bool:
    """What nobody has taken yet ends at once; else its worker is told at its next beat."""
    waits = update(Errand).where(Errand.id == errand_id, Errand.state == ErrandState.WAITING)
    waits = waits.values(state=ErrandState.CANCELLED, cancel_requested=True, ended_at=now(), message="")
    works = update(Errand).where(Errand.id == errand_id, Errand.state == ErrandState.WORKING)
    return _execute(session, waits) or _execute(session, works.values(cancel_requested=True))


def stop_requested(session: Session, errand_id: str, fence: int) -> bool:
    """Also where it is held by somebody else by now."""
    query = select(Errand.cancel_requested).where(_held(errand_id, fence))
    found = session.scalar(query)
    return found is not False


def _takeable() -> ColumnElement[bool]:
    waits = and_(
        Errand.state == ErrandState.WAITING, or_(Errand.not_before.is_(None), Errand.not_before <= now())
    )
    return or_(waits, and_(Errand.state == ErrandState.WORKING, Errand.lease_until < now()))


def _held(errand_id: str, fence: int) -> ColumnElement[bool]:
    return and_(Errand.id == errand_id, Errand.fence == fence, Errand.state == ErrandState.WORKING)


def _execute(session: Session, statement: Any) -> bool:
    options = {"synchronize_session": False}
    returned = session.execute(statement.returning(Errand.id), execution_options=options)
    return returned.one_or_none() is not None
