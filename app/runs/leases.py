"""Who holds a step. A claim raises the fence; whoever comes back with an older one changes nothing.

Every verb locks the run's row first and then changes the step by one guarded UPDATE, so two steps that
finish together see each other, and a worker that slept through its lease gets "0 rows".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.core.services import Services
from app.core.work import Work
from app.runs import queries
from app.runs.advancing import record_event, record_step, send_after_commit, settle
from app.runs.figures import note_figures
from app.runs.spec import StepSpec
from app.runs.states import TRANSITIONS, AttemptStatus, IllegalMove, RunStatus, StepState
from app.runs.tables import Attempt, Run, Step
from app.runs.workers import queries as worker_queries

MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 2.0


@dataclass(frozen=True)
class Lease:
    """The right to work on a step, good while its fence is the newest."""

    step_id: str
    run_id: str
    fence: int
    attempt: int
    seconds: float


@dataclass(frozen=True)
class Ending:
    """How an attempt ended. ``to`` READY gives the step back to be tried again, after ``wait_seconds``."""

    to: StepState
    status: AttemptStatus
    message: str = ""
    advice: str = ""
    exit_code: int | None = None
    artifact: str | None = None
    artifact_size: int | None = None
    result: Mapping[str, Any] | None = None
    wait_seconds: float = 0


def claim(work: Work, step: Step, owner: str, seconds: float, most: int | None = None) -> Lease | None:
    """Take the step. None: somebody has it, it is not due, or it is no longer wanted.

    ``most`` is how many steps of its queue may be in hand at once, in the whole installation.
    """
    run = queries.locked_run(work.session, step.run_id)
    if run is None:
        return None
    if most is not None and not worker_queries.has_room(work.session, step.queue, most):
        return None
    deadline = StepSpec.from_json(step.spec).deadline_seconds
    must_be_allowed(StepState.READY, StepState.LEASED)
    taken = (
        update(Step)
        .where(Step.id == queries.claimable(step.id))
        .values(
            state=StepState.LEASED,
            fence=Step.fence + 1,
            attempt=Step.attempt + 1,
            lease_owner=owner,
            lease_until=now(seconds),
            deadline_at=now(deadline),
            started_at=now(),
            finished_at=None,
            not_before=None,
            progress=None,
            last_error="",
            advice="",
        )
    )
    row = execute_one(work.session, taken.returning(Step.fence, Step.attempt))
    if row is None:
        return None
    lease = Lease(step.id, run.id, row[0], row[1], seconds)
    _begin_attempt(work, run, lease, owner)
    return lease


def _begin_attempt(work: Work, run: Run, lease: Lease, owner: str) -> None:
    work.session.add(
        Attempt(
            step_id=lease.step_id,
            number=lease.attempt,
            fence=lease.fence,
            worker=owner,
            status=AttemptStatus.RUNNING,
        )
    )
    start_run(work, run)
    _record(work, run, lease.step_id, lease.attempt, AttemptStatus.RUNNING, "")


def start_run(work: Work, run: Run) -> None:
    if run.status == RunStatus.QUEUED:
        run.status = RunStatus.RUNNING
        run.started_at = queries.clock(work.session)
        record_event(work.session, run, "run", {"status": run.status, "message": ""})


def beat(work: Work, lease: Lease) -> bool:
    """Prolong the lease. False: it is somebody else's by now, so stop at once and leave no trace."""
    prolonged = update(Step).where(held(lease)).values(lease_until=now(lease.seconds))
    return execute_one(work.session, prolonged.returning(Step.id)) is not None


def finish(work: Work, services: Services, lease: Lease, ending: Ending) -> bool:
    """End the attempt and move the run on. False: the lease was lost, and nothing has changed."""
    return _end(work, services, lease, ending, held(lease))


def hand_over(work: Work, lease: Lease) -> bool:
    """From here on a job at AWS does the step: no worker holds it, and the fence stays what it is.

    False: the lease was lost, and nothing has changed.
    """
    run = queries.locked_run(work.session, lease.run_id)
    must_be_allowed(StepState.LEASED, StepState.REMOTE)
    gone = (
        update(Step)
        .where(held(lease))
        .values(state=StepState.REMOTE, lease_owner=None, lease_until=None, deadline_at=None)
    )
    if run is None or execute_one(work.session, gone.returning(Step.id)) is None:
        return False
    record_step(work.session, run, fresh(work.session, lease.step_id))
    return True


def finish_remote(work: Work, services: Services, lease: Lease, ending: Ending) -> bool:
    """As :func:`finish`, of a step that was handed over. False: another one did it, or it has begun anew."""
    return _end(work, services, lease, ending, remote(lease), StepState.REMOTE)


def released(exit_code: int | None = None) -> Ending:
    """Give the step back unharmed, because its worker has to stop. The attempt is not counted."""
    message = "Its worker was stopped; the step goes on elsewhere."
    return Ending(StepState.READY, AttemptStatus.RELEASED, message, exit_code=exit_code)


def crashed(step: Step, status: AttemptStatus, message: str, advice: str, exit_code: int | None) -> Ending:
    """The attempt died without an answer: once more, up to the step's maximum, then failed for good."""
    tries = queries.attempts_counted(step)
    if tries < step.max_attempts:
        return Ending(StepState.READY, status, message, advice, exit_code)
    last = f"{message} This was attempt {tries} of {step.max_attempts}."
    return Ending(StepState.FAILED, status, last, advice, exit_code)


def reap(work: Work, services: Services, step: Step) -> bool:
    """Take an expired lease away from a worker that no longer beats. Two reapers: one succeeds."""
    lease = Lease(step.id, step.run_id, step.fence, step.attempt, 0)
    message = f"The worker {step.lease_owner} was lost: it sent no heartbeat in time."
    advice = "If it keeps dying, look at the machine's memory and the worker's own log."
    ending = crashed(step, AttemptStatus.LOST, message, advice, None)
    return _end(work, services, lease, ending, and_(held(lease), Step.lease_until < now()))


def _end(
    work: Work,
    services: Services,
    lease: Lease,
    ending: Ending,
    guard: ColumnElement[bool],
    present: StepState = StepState.LEASED,
) -> bool:
    run = queries.locked_run(work.session, lease.run_id)
    if run is None:
        return False
    ending = _unless_cancelled(run, ending)
    must_be_allowed(present, ending.to)
    if execute_one(work.session, _ended(ending, guard, lease)) is None:
        return False
    attempt = work.session.get_one(Attempt, (lease.step_id, lease.attempt))
    attempt.status = ending.status
    attempt.exit_code = ending.exit_code
    attempt.message = ending.message
    attempt.advice = ending.advice
    attempt.finished_at = queries.clock(work.session)
    step = fresh(work.session, lease.step_id)
    _record(work, run, step.id, lease.attempt, ending.status, ending.message)
    record_step(work.session, run, step)
    if ending.to == StepState.READY:
        send_after_commit(work, services.messenger, step)
    if ending.to == StepState.SUCCEEDED:
        note_figures(services.storage, run, step)
    settle(work, run, services.messenger, services.handlers.moved)
    return True


def _unless_cancelled(run: Run, ending: Ending) -> Ending:
    """Nobody tries a cancelled run's step again. What succeeded all the same keeps its success."""
    if not run.cancel_requested or ending.to == StepState.SUCCEEDED:
        return ending
    return Ending(StepState.CANCELLED, AttemptStatus.CANCELLED, "The run was cancelled.")


def _ended(ending: Ending, guard: ColumnElement[bool], lease: Lease) -> Any:
    again = ending.to == StepState.READY
    failed = ending.status == AttemptStatus.FAILED
    wait = max(ending.wait_seconds, BACKOFF_SECONDS * lease.attempt if failed else 0)
    given_back = ending.status == AttemptStatus.RELEASED
    changed = (
        update(Step)
        .where(guard)
        .values(
            state=ending.to,
            lease_owner=None,
            lease_until=None,
            deadline_at=None,
            progress=None,
            not_before=now(wait) if again and wait else None,
            ready_at=now() if again else Step.ready_at,
            finished_at=None if again else now(),
            released=Step.released + 1 if given_back else Step.released,
            last_error="" if ending.to == StepState.SUCCEEDED else ending.message,
            advice=ending.advice,
            artifact=ending.artifact,
            artifact_size=ending.artifact_size,
            result=dict(ending.result) if ending.result is not None else None,
        )
    )
    return changed.returning(Step.id)


def note_progress(
    work: Work, lease: Lease, progress: Mapping[str, Any] | None, data: Mapping[str, Any]
) -> bool:
    """Show where the attempt stands. ``data`` tells listeners how far log and metrics have grown."""
    run = queries.locked_run(work.session, lease.run_id)
    mine = or_(held(lease), remote(lease))
    noted = update(Step).where(mine).values(progress=dict(progress) if progress else Step.progress)
    if run is None or execute_one(work.session, noted.returning(Step.id)) is None:
        return False
    record_event(work.session, run, "progress", data, lease.step_id)
    return True


def note_environment(work: Work, lease: Lease, environment: Mapping[str, str]) -> None:
    """What this attempt's program was given, for whoever asks later why it went otherwise."""
    mine = and_(Attempt.step_id == lease.step_id, Attempt.number == lease.attempt)
    work.session.execute(update(Attempt).where(mine).values(environment=dict(environment)))


def held(lease: Lease) -> ColumnElement[bool]:
    return and_(Step.id == lease.step_id, Step.state == StepState.LEASED, Step.fence == lease.fence)


def remote(lease: Lease) -> ColumnElement[bool]:
    return and_(Step.id == lease.step_id, Step.state == StepState.REMOTE, Step.fence == lease.fence)


def must_be_allowed(present: StepState, to: StepState) -> None:
    if to not in TRANSITIONS[present]:
        raise IllegalMove(f"{present} → {to}")


def execute_one(session: Session, statement: Any) -> Any:
    options = {"synchronize_session": False}
    return session.execute(statement, execution_options=options).one_or_none()


def fresh(session: Session, step_id: str) -> Step:
    return session.get_one(Step, step_id, populate_existing=True)


def _record(work: Work, run: Run, step_id: str, number: int, status: AttemptStatus, message: str) -> None:
    data = {
        "step": work.session.get_one(Step, step_id).name,
        "attempt": number,
        "status": status,
        "message": message,
    }
    record_event(work.session, run, "attempt", data, step_id)
