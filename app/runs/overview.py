"""What the first page asks of runs: what failed lately, what moves, what ended, who could work."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.core.database import now
from app.keeping.queries import archived_ids
from app.runs.states import RUN_ENDS, RunStatus, StepState
from app.runs.tables import CLAIMABLE, Run, Step

FAILED_SECONDS = 3 * 24 * 3600
NEWEST = 200  # among which those that ended last are looked for


def failed(session: Session, actor_id: str, limit: int = 5) -> Sequence[Run]:
    """Runs that failed lately and were not tried again: this person's first, then everybody's."""
    lately = (
        Run.status == RunStatus.FAILED,
        Run.finished_at > now(-FAILED_SECONDS),
        Run.id.not_in(archived_ids()),
    )
    mine = case((Run.actor_id == actor_id, 0), else_=1)
    return session.scalars(select(Run).where(*lately).order_by(mine, Run.id.desc()).limit(limit)).all()


def ended(session: Session, limit: int = 6) -> Sequence[Run]:
    """Those of the newest runs that have ended, the last ending first."""
    newest = select(Run.id, Run.status, Run.finished_at).order_by(Run.id.desc()).limit(NEWEST).subquery()
    over = (newest.c.status.in_(RUN_ENDS), newest.c.id.not_in(archived_ids()))
    ids = session.scalars(
        select(newest.c.id)
        .where(*over)
        .order_by(newest.c.finished_at.desc(), newest.c.id.desc())
        .limit(limit)
    ).all()
    found = {run.id: run for run in session.scalars(select(Run).where(Run.id.in_(ids)))}
    return [found[each] for each in ids]


def any_of(session: Session, pipeline: str, status: RunStatus | None = None) -> bool:
    query = select(Run.id).where(Run.pipeline == pipeline)
    if status is not None:
        query = query.where(Run.status == status)
    return session.scalar(query.limit(1)) is not None


def waiting_since(session: Session, queues: Sequence[str]) -> tuple[int, datetime | None]:
    """How many steps wait in these queues for a worker, and since when the first one does."""
    waits = (Step.queue.in_(queues), Step.state == StepState.READY, CLAIMABLE)
    row = session.execute(select(func.count(), func.min(Step.ready_at)).where(*waits)).one()
    return row[0], row[1]
