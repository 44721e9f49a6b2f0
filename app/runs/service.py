"""The verbs on a run that exists: find it, cancel it, retry it."""

from app.accounts import audit
from app.core.errors import Conflict, NotFound
from app.core.services import Services
from app.core.work import Work
from app.datasets.queries import version_by_id
from app.datasets.tables import VersionStatus
from app.runs import queries
from app.runs.advancing import apply, facts_of, record_event, settle
from app.runs.cloud.queries import look_soon
from app.runs.engine import reopened
from app.runs.leases import MAX_ATTEMPTS
from app.runs.places import known_device, priority_of, priority_word, queue_now
from app.runs.queries import RunDetail
from app.runs.states import RUN_ENDS, RunStatus, StepState
from app.runs.tables import Attempt, Run, Step


class RunNotFound(NotFound):
    title = "No such run"


class StepNotFound(NotFound):
    title = "No such step"


class RunEndedAlready(Conflict):
    title = "The run has ended"


class NothingToRetry(Conflict):
    title = "There is nothing to retry"


class DataDeleted(Conflict):
    title = "The data was deleted"


def get_run(work: Work, run_id: str) -> RunDetail:
    """By id (``run_…``) or number."""
    detail = queries.run_detail(work.session, run_id)
    if detail is None:
        raise RunNotFound(f"There is no run {run_id!r}.", "All of them are listed under Runs.")
    return detail


def get_step(detail: RunDetail, name: str) -> Step:
    step = detail.step(name)
    if step is None:
        names = ", ".join(each.name for each in detail.steps)
        raise StepNotFound(f"Run #{detail.run.number} has no step {name!r}.", f"Its steps: {names}.")
    return step


def get_attempt(detail: RunDetail, step: Step, number: int | None) -> Attempt | None:
    """The attempt of that number, or the latest; None when the step has had none."""
    attempts = detail.attempts[step.id]
    if number is None:
        return attempts[-1] if attempts else None
    found = next((attempt for attempt in attempts if attempt.number == number), None)
    if found is None:
        raise StepNotFound(f"{step.name} has no attempt {number}.", f"It has had {len(attempts)}.")
    return found


def cancel(work: Work, services: Services, run_id: str, actor_id: str) -> Run:
    """Steps that wait are cancelled at once; a running one stops at its worker's next look, a second later.

    Cancelling twice is one cancellation.
    """
    run = _locked(work, run_id)
    if run.status == RunStatus.CANCELLED or run.cancel_requested:
        return run
    if run.status in RUN_ENDS:
        raise RunEndedAlready(f"Run #{run.number} has {run.status} already.", "Nothing is left to stop.")
    run.cancel_requested = True
    audit.record(work.session, actor_id, "run.cancelled", run.id, {"number": run.number})
    record_event(work.session, run, "run", {"status": run.status, "message": "Cancelling."})
    look_soon(work.session, run.id)
    settle(work, run, services.messenger, services.handlers.moved)
    return run


def retry(work: Work, services: Services, run_id: str, actor_id: str) -> Run:
    """Go on from where the run stopped: what succeeded stays, all else waits and is tried again."""
    run = _locked(work, run_id)
    if run.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        raise NothingToRetry(
            f"Run #{run.number} has not failed: its status is {run.status}.",
            "Only a failed or cancelled run can be retried.",
        )
    _require_data(work, run)
    run.cancel_requested = False
    run.finished_at = None
    run.message = ""
    steps = queries.steps_of(work.session, run.id)
    for step in steps:
        if step.state == StepState.FAILED:
            step.max_attempts = queries.attempts_counted(step) + MAX_ATTEMPTS
    apply(work, run, steps, reopened(facts_of(steps)), services.messenger)
    audit.record(work.session, actor_id, "run.retried", run.id, {"number": run.number})
    settle(work, run, services.messenger, services.handlers.moved)
    return run


def place(
    work: Work, run_id: str, actor_id: str, *, priority: str | None = None, device: str | None = None
) -> Run:
    """Another place in the queue, or another device for the steps that have not begun."""
    run = _locked(work, run_id)
    if run.status in RUN_ENDS:
        raise RunEndedAlready(f"Run #{run.number} has {run.status} already.", "Nothing of it waits any more.")
    before = _placed(run)
    run.priority = run.priority if priority is None else priority_of(priority)
    run.device = run.device if device is None else known_device(device)
    changed = dict(_placed(run).items() - before.items())
    if not changed:
        return run
    for step in queries.steps_of(work.session, run.id):
        if step.state == StepState.READY:
            step.queue = queue_now(work.session, run, step)
    audit.record(work.session, actor_id, "run.changed", run.id, {"number": run.number, **changed})
    said = ", ".join(f"{name} {value}" for name, value in sorted(changed.items()))
    record_event(work.session, run, "run", {"status": run.status, "message": f"Changed: {said}."})
    return run


def _placed(run: Run) -> dict[str, str]:
    return {"priority": priority_word(run.priority), "device": run.device}


def _require_data(work: Work, run: Run) -> None:
    """The files may lie in the storage for a while; what was deleted is trained on no more all the same."""
    about = version_by_id(work.session, run.subject_id) if run.subject_id else None
    if about is not None and about.version.status == VersionStatus.DELETED:
        raise DataDeleted(
            f"{about.dataset.name} v{about.version.number} was deleted.", "Launch a run on another version."
        )


def _locked(work: Work, run_id: str) -> Run:
    run = queries.run_by_id(work.session, run_id)
    locked = queries.locked_run(work.session, run.id) if run else None
    if locked is None:
        raise RunNotFound(f"There is no run {run_id!r}.", "All of them are listed under Runs.")
    return locked
