"""Every read about jobs at AWS, and the one guarded UPDATE that makes somebody their keeper for a while."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.runs.cloud.tables import OPEN, CloudJob
from app.runs.states import StepState
from app.runs.tables import Run, Step


def jobs_of_run(session: Session, run_id: str) -> dict[str, list[CloudJob]]:
    """By the step's id, in the order in which they were begun."""
    found: dict[str, list[CloudJob]] = {}
    query = select(CloudJob).where(CloudJob.run_id == run_id).order_by(CloudJob.created_at, CloudJob.id)
    for job in session.scalars(query):
        found.setdefault(job.step_id, []).append(job)
    return found


def newest_job(session: Session, step_id: str) -> CloudJob | None:
    newest = select(CloudJob).where(CloudJob.step_id == step_id).order_by(CloudJob.fence.desc())
    return session.scalar(newest.limit(1))


def open_job(session: Session, step_id: str) -> CloudJob | None:
    """The one that may stand at AWS already, begun by an attempt that could not say so any more."""
    mine = and_(CloudJob.step_id == step_id, OPEN, CloudJob.stop_requested_at.is_(None))
    query = select(CloudJob).where(mine).order_by(CloudJob.fence.desc()).limit(1)
    return session.scalar(query.execution_options(populate_existing=True))


def due_jobs(session: Session, limit: int) -> Sequence[str]:
    """The ids of those that somebody should look at and nobody does."""
    return session.scalars(select(CloudJob.id).where(_due()).order_by(CloudJob.poll_at).limit(limit)).all()


def take(session: Session, job_id: str, owner: str, seconds: float) -> CloudJob | None:
    """Two who take one job at once: the other gets None."""
    taken = (
        update(CloudJob)
        .where(CloudJob.id == job_id, _due())
        .values(poll_owner=owner, poll_until=now(seconds))
        .returning(CloudJob.id)
    )
    if session.execute(taken, execution_options={"synchronize_session": False}).first() is None:
        return None
    return session.get_one(CloudJob, job_id, populate_existing=True)


def kept(job_id: str, owner: str) -> ColumnElement[bool]:
    """Whether that keeper is still the one who looks after the job."""
    return and_(CloudJob.id == job_id, CloudJob.poll_owner == owner)


def step_of(session: Session, job: CloudJob) -> tuple[Step, Run] | None:
    query = select(Step, Run).join(Run, Run.id == Step.run_id).where(Step.id == job.step_id)
    row = session.execute(query).tuples().first()
    return row or None


def stranded_steps(session: Session) -> Sequence[Step]:
    """Remote steps whose job is over, or not there: nothing would ever move them."""
    job = exists().where(CloudJob.step_id == Step.id, CloudJob.fence == Step.fence, OPEN)
    return session.scalars(select(Step).where(Step.state == StepState.REMOTE, ~job)).all()


def look_soon(session: Session, run_id: str) -> None:
    """The run was cancelled: whoever keeps its jobs hears of it at once."""
    soon = update(CloudJob).where(CloudJob.run_id == run_id, OPEN).values(poll_at=now())
    session.execute(soon, execution_options={"synchronize_session": False})


def _due() -> ColumnElement[bool]:
    free = or_(CloudJob.poll_until.is_(None), CloudJob.poll_until < now())
    return and_(OPEN, CloudJob.poll_at <= now(), free)
