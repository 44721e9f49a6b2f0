"""Every read of monitoring: one figure each, cheap enough to be asked every few seconds.

None of them reads a whole table that only grows: what is under way stands in small indexes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.tables import AuditEntry
from app.core.database import now, seconds_between
from app.core.outbox import Message
from app.runs.states import AttemptStatus, RunStatus, StepState
from app.runs.tables import CLAIMABLE, Attempt, Run, Step

_UNDER_WAY = Run.status.in_([RunStatus.QUEUED, RunStatus.RUNNING])
_DUE = or_(Step.not_before.is_(None), Step.not_before <= now())


@dataclass(frozen=True)
class Waiting:
    """What waits in a queue; ``seconds`` since the oldest of it could have been taken."""

    queue: str
    steps: int
    seconds: float


@dataclass(frozen=True)
class Outbox:
    """``seconds`` since the oldest message was written; ``error`` is why it has not gone out."""

    waiting: int
    seconds: float
    error: str


@dataclass(frozen=True)
class HeldStep:
    """A lease that stands now."""

    step_id: str
    step: str
    queue: str
    run_id: str
    run_number: int
    owner: str
    fence: int
    attempt: int
    since: datetime | None
    until: datetime

    @property
    def url(self) -> str:
        return f"/runs/{self.run_id}?step={self.step}"


@dataclass(frozen=True)
class LostAttempt:
    """A try whose worker was never heard of again."""

    step: str
    run_id: str
    run_number: int
    number: int
    worker: str
    at: datetime | None

    @property
    def url(self) -> str:
        return f"/runs/{self.run_id}?step={self.step}&tab=attempts"


@dataclass(frozen=True)
class UnfinishedRun:
    """A run that is queued or running; ``owners`` hold its steps, or did."""

    id: str
    number: int
    status: str
    owners: Sequence[str]


def clock(session: Session) -> datetime:
    return session.scalars(select(now())).one()


def database_size(session: Session) -> int:
    """Of PostgreSQL, which counts by itself."""
    return session.scalar(select(func.pg_database_size(func.current_database()))) or 0


def server_version(session: Session) -> str:
    return session.scalar(select(func.current_setting("server_version"))) or ""


def runs_by_status(session: Session) -> dict[str, int]:
    query = select(Run.status, func.count()).group_by(Run.status)
    return dict(session.execute(query).tuples().all())


def steps_under_way(session: Session) -> dict[tuple[str, str], int]:
    """By state and queue, of the runs that have not ended."""
    counted = select(Step.state, Step.queue, func.count()).join(Run, Run.id == Step.run_id)
    rows = session.execute(counted.where(_UNDER_WAY).group_by(Step.state, Step.queue))
    return {(state, queue): count for state, queue, count in rows}


def waiting(session: Session) -> list[Waiting]:
    """By queue, the steps that a worker could take now."""
    oldest = seconds_between(func.min(Step.ready_at), now())
    ready = and_(Step.state == StepState.READY, CLAIMABLE, _DUE)
    query = select(Step.queue, func.count(), oldest).where(ready).group_by(Step.queue).order_by(Step.queue)
    return [
        Waiting(queue, count, round(max(0.0, seconds or 0.0), 1))
        for queue, count, seconds in session.execute(query)
    ]


def running_by_queue(session: Session) -> dict[str, int]:
    leased = and_(Step.state == StepState.LEASED, CLAIMABLE)
    query = select(Step.queue, func.count()).where(leased).group_by(Step.queue)
    return dict(session.execute(query).tuples().all())


def attempts_by_status(session: Session) -> dict[str, int]:
    query = select(Attempt.status, func.count()).group_by(Attempt.status)
    return dict(session.execute(query).tuples().all())


def outbox(session: Session) -> Outbox:
    waits = session.scalar(select(func.count()).select_from(Message)) or 0
    first = session.execute(
        select(seconds_between(Message.created_at, now()), Message.last_error).order_by(Message.id).limit(1)
    ).first()
    return Outbox(waits, round(max(0.0, first[0]), 1) if first else 0.0, (first[1] or "") if first else "")


def audit_head(session: Session) -> AuditEntry | None:
    return session.scalar(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1))


def held_steps(session: Session, limit: int = 200) -> Sequence[HeldStep]:
    leased = and_(Step.state == StepState.LEASED, CLAIMABLE)
    query = select(Step, Run.number).join(Run, Run.id == Step.run_id).where(leased)
    rows = session.execute(query.order_by(Step.lease_until).limit(limit)).tuples()
    return [_held(step, number) for step, number in rows]


def _held(step: Step, number: int) -> HeldStep:
    assert step.lease_until is not None, "a leased step has a lease, the table checks it"
    return HeldStep(
        step.id,
        step.name,
        step.queue,
        step.run_id,
        number,
        step.lease_owner or "",
        step.fence,
        step.attempt,
        step.started_at,
        step.lease_until,
    )


def lost_attempts(session: Session, limit: int = 10) -> Sequence[LostAttempt]:
    """The latest."""
    query = (
        select(Step.name, Run.id, Run.number, Attempt.number, Attempt.worker, Attempt.finished_at)
        .join(Step, Step.id == Attempt.step_id)
        .join(Run, Run.id == Step.run_id)
        .where(Attempt.status == AttemptStatus.LOST)
        .order_by(Attempt.started_at.desc())
        .limit(limit)
    )
    return [LostAttempt(*row) for row in session.execute(query)]


def unfinished_runs(session: Session) -> Sequence[UnfinishedRun]:
    runs = list(session.execute(select(Run.id, Run.number, Run.status).where(_UNDER_WAY).order_by(Run.id)))
    held = select(Step.run_id, Step.lease_owner).where(Step.state == StepState.LEASED, CLAIMABLE)
    owners: dict[str, list[str]] = {}
    for run_id, owner in session.execute(held):
        owners.setdefault(run_id, []).append(owner or "")
    return [UnfinishedRun(run_id, number, status, owners.get(run_id, [])) for run_id, number, status in runs]
