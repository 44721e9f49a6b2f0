"""The rows that have done their service, each kind by one guarded DELETE."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, union
from sqlalchemy.orm import Session

from app.accounts.tables import OneTimeLink, SignInFailure, Token, WebSession
from app.core.database import now
from app.datasets.tables import DatasetVersion, Upload
from app.runs.tables import LogChunk, MetricPoint, Run, Worker

DAY = 24 * 3600
LINK_SECONDS = 30 * DAY  # after it expired: until then its page says so
TOKEN_SECONDS = 90 * DAY  # a list of tokens tells for a while which ones have ended
FAILURE_SECONDS = DAY
WORKER_SECONDS = DAY


def _forget(session: Session, table: type[Any], *conditions: ColumnElement[bool]) -> int:
    key = next(iter(table.__table__.primary_key))
    gone = delete(table).where(*conditions).returning(key)
    return len(session.execute(gone, execution_options={"synchronize_session": False}).all())


def forget_sessions(session: Session) -> int:
    return _forget(session, WebSession, WebSession.expires_at < now())


def forget_links(session: Session) -> int:
    return _forget(session, OneTimeLink, OneTimeLink.expires_at < now(-LINK_SECONDS))


def forget_tokens(session: Session) -> int:
    ended = func.coalesce(Token.revoked_at, Token.expires_at, type_=Token.created_at.type)
    return _forget(session, Token, ended < now(-TOKEN_SECONDS))


def forget_failures(session: Session) -> int:
    return _forget(session, SignInFailure, SignInFailure.at < now(-FAILURE_SECONDS))


def forget_workers(session: Session) -> int:
    return _forget(session, Worker, Worker.seen_at < now(-WORKER_SECONDS))


def forget_uploads(session: Session, days: int, limit: int) -> int:
    """Those from which no version was ever made. Their files go with the next collection."""
    used = select(DatasetVersion.upload_id).where(DatasetVersion.upload_id == Upload.id).exists()
    old = select(Upload.id).where(Upload.created_at < now(-days * DAY), ~used).limit(limit)
    return _forget(session, Upload, Upload.id.in_(list(session.scalars(old))))


def runs_with_telemetry(session: Session, after: str, limit: int) -> Sequence[str]:
    """Ids of runs, in their order, of which the telemetry database holds anything."""
    both = union(
        select(MetricPoint.run_id).where(MetricPoint.run_id > after),
        select(LogChunk.run_id).where(LogChunk.run_id > after),
    ).subquery()
    return list(session.scalars(select(both.c.run_id).order_by(both.c.run_id).limit(limit)))


def ended_or_gone(session: Session, run_ids: Sequence[str], days: int) -> Sequence[str]:
    """Of these, the runs that ended long ago, and those that were deleted."""
    query = select(Run.id, Run.finished_at < now(-days * DAY)).where(Run.id.in_(run_ids))
    known = dict(session.execute(query).tuples().all())
    return [run_id for run_id in run_ids if run_id not in known or known[run_id]]


def forget_telemetry(session: Session, run_ids: Sequence[str]) -> None:
    for table in (MetricPoint, LogChunk):
        session.execute(delete(table).where(table.run_id.in_(run_ids)))
