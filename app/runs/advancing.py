"""Carrying the pure engine's answer into the database: states, events, messages, the end of the run.

Everything here runs under the run's row lock, in the transaction of whatever made a step change.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.core.changes import bump
from app.core.services import Messenger, RunMove, RunMoved
from app.core.work import Work
from app.runs import places, queries
from app.runs.engine import Change, StepFact, advance, run_status
from app.runs.states import RUN_ENDS, STEP_ENDS, RunStatus, StepState, move
from app.runs.tables import Run, RunEvent, Step

PROGRESS = "progress"


def facts_of(steps: Sequence[Step]) -> list[StepFact]:
    return [
        StepFact(
            step.name,
            StepState(step.state),
            tuple(step.spec["needs"]),
            tuple(step.spec["gates"]),
            _passed(step),
        )
        for step in steps
    ]


def _passed(step: Step) -> bool | None:
    if step.kind != "gate" or step.state != StepState.SUCCEEDED or step.result is None:
        return None
    return bool(step.result["passed"])


def settle(work: Work, run: Run, messenger: Messenger, moved: Sequence[RunMoved]) -> None:
    """Move what follows from the steps' present states, and derive the run's."""
    steps = queries.steps_of(work.session, run.id)
    apply(work, run, steps, advance(facts_of(steps), cancel=run.cancel_requested), messenger)
    started = run.started_at is not None
    _set_status(work, run, run_status(facts_of(steps), started=started), steps, moved)


def apply(
    work: Work, run: Run, steps: Sequence[Step], changes: Sequence[Change], messenger: Messenger
) -> None:
    by_name = {step.name: step for step in steps}
    time = queries.clock(work.session) if changes else None
    for change in changes:
        step = by_name[change.name]
        move(step, change.to)
        step.last_error = change.reason
        step.advice = ""
        step.finished_at = time if change.to in STEP_ENDS else None
        step.ready_at = time if change.to == StepState.READY else None
        if change.to == StepState.READY:
            step.queue = places.queue_now(work.session, run, step)
        record_step(work.session, run, step)
        if change.to == StepState.READY:
            send_after_commit(work, messenger, step)


def send_after_commit(work: Work, messenger: Messenger, step: Step) -> None:
    step_id, queue = step.id, step.queue
    work.after_commit(lambda: messenger.send_step(step_id, queue))


def _set_status(
    work: Work, run: Run, status: RunStatus, steps: Sequence[Step], moved: Sequence[RunMoved]
) -> None:
    if run.status == status:
        return
    run.status = status
    if status in RUN_ENDS:
        run.finished_at = queries.clock(work.session)
        run.message = _ending(status, steps)
    record_event(work.session, run, "run", {"status": status, "message": run.message})
    for told in moved:
        told(work, _move_of(run))


def _move_of(run: Run) -> RunMove:
    return RunMove(
        run_id=run.id,
        number=run.number,
        pipeline=run.pipeline,
        label=run.label,
        status=run.status,
        message=run.message,
        actor_id=run.actor_id,
        subject_id=run.subject_id,
    )


def _ending(status: RunStatus, steps: Sequence[Step]) -> str:
    """How the run ended, in words. A closed gate is an outcome, with its reasons."""
    if status == RunStatus.FAILED:
        failed = next(step for step in steps if step.state == StepState.FAILED)
        return f"{failed.name} failed: {failed.last_error} {failed.advice}".strip()
    if status == RunStatus.CANCELLED:
        return "The run was cancelled."
    for step in steps:
        if _passed(step) is False and step.result:
            return f"{step.name} did not pass: {'; '.join(step.result['reasons'])}."
    return ""


def record_step(session: Session, run: Run, step: Step) -> None:
    data = {
        "step": step.name,
        "state": step.state,
        "attempt": step.attempt,
        "cached": step.cached,
        "message": step.last_error,
    }
    record_event(session, run, "step", data, step.id)


def record_event(
    session: Session, run: Run, kind: str, data: Mapping[str, Any], step_id: str | None = None
) -> None:
    """Number the event under the run's lock; ``progress`` takes the place of the one before."""
    if kind == PROGRESS:
        before = delete(RunEvent).where(
            RunEvent.run_id == run.id, RunEvent.step_id == step_id, RunEvent.kind == PROGRESS
        )
        session.execute(before.execution_options(synchronize_session=False))
    run.event_seq += 1
    session.add(RunEvent(run_id=run.id, seq=run.event_seq, kind=kind, step_id=step_id, data=dict(data)))
    session.flush()
    bump(session, run.id)
