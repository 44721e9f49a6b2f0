"""What app.runs.subject asks of the databases, and how it takes a run out of both."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core.changes import Topic
from app.runs.states import RUN_ENDS
from app.runs.tables import LogChunk, MetricPoint, Run


def runs_by_id(session: Session, ids: Sequence[str]) -> list[Run]:
    return list(session.scalars(select(Run).where(Run.id.in_(ids))))


def active_among(session: Session, ids: Sequence[str]) -> list[str]:
    return list(session.scalars(select(Run.id).where(Run.id.in_(ids), Run.status.not_in(RUN_ENDS))))


def remove_run(session: Session, run_id: str) -> None:
    """Its steps, their attempts and its events go with it: their foreign keys cascade."""
    session.execute(delete(Run).where(Run.id == run_id))
    session.execute(delete(Topic).where(Topic.id == run_id))


def remove_telemetry(session: Session, run_id: str) -> None:
    for table in (MetricPoint, LogChunk):
        session.execute(delete(table).where(table.run_id == run_id))
