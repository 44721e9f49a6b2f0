"""From how a job ended to what becomes of its step, in words that a person can act on.

As with a program here: what the program says of itself is believed and not tried again; what happened *to*
it (a machine taken away, a mistake of the service) is.
"""

import re
import signal

from app.integrations.aws.errors import CloudAway, CloudExpired
from app.runs.cloud.hosts import JobLook
from app.runs.cloud.tables import CloudJob
from app.runs.leases import Ending, crashed
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Step
from workers.outcome import Asked, cancelled, deadline_passed, ending_of

UNWANTED = "unwanted"  # the step was over, or somebody else's, when the job was stopped
WAIT_SECONDS, WAIT_LIMIT = 5.0, 300.0
# The service's own class of a failure, then what it says, then the program's exit code.
_CLASS = re.compile(r"^(?P<kind>\w+Error)\s*:\s*")
_CODE = re.compile(r",?\s*exit code:? \d+\.?\s*$", re.IGNORECASE)
_OF_THE_PROGRAM = ("AlgorithmError", "")
_OF_THE_SERVICE = ("InternalServerError", "InternalError", "CapacityError", "InsufficientCapacityError")


def waits(step: Step, error: CloudAway | CloudExpired) -> Ending:
    """Nobody's fault, and nothing was lost: the step waits, each time longer, and no attempt is counted."""
    seconds = min(WAIT_LIMIT, WAIT_SECONDS * 2 ** min(step.released, 10))
    return Ending(StepState.READY, AttemptStatus.RELEASED, error.message, error.advice, wait_seconds=seconds)


def ended(step: Step, job: CloudJob, look: JobLook) -> Ending:
    """Of a job that did not complete."""
    if look.state == "missing":
        message = f"AWS does not know the job {job.name} any more."
        advice = "Was it deleted, or was another account or region set up? Look under Settings, Cloud."
        return crashed(step, AttemptStatus.LOST, message, advice, None)
    return _failed(step, job, look) if look.state == "failed" else _stopped(step, job, look)


def _stopped(step: Step, job: CloudJob, look: JobLook) -> Ending:
    if job.stop_reason == Asked.CANCEL:
        return cancelled(128 + signal.SIGTERM)
    if job.stop_reason == Asked.DEADLINE or look.cause == "time" or _took_all(job, look):
        return deadline_passed(job.max_seconds)
    if look.cause == "spot":
        message = "The spot machine was taken away, and none came in its place in time."
        advice = (
            "The next attempt goes on from the last checkpoint. Without spot, machines are not taken away."
        )
        return crashed(step, AttemptStatus.LOST, message, advice, None)
    if job.stop_reason == UNWANTED:
        message = f"The job {job.name} was stopped while its step was somebody else's."
        return Ending(StepState.READY, AttemptStatus.RELEASED, message)
    said = f" AWS says: {look.reason}" if look.reason else ""
    message = f"The job {job.name} was stopped at AWS, not from here.{said}"
    return _final(message, "Whoever stopped it may know why. Retry from this step to go on.", None)


def _took_all(job: CloudJob, look: JobLook) -> bool:
    """The service stops a processing job whose time is over without a word about it."""
    if look.started_at is None or look.ended_at is None or job.stop_requested_at is not None:
        return False
    return (look.ended_at - look.started_at).total_seconds() >= job.max_seconds


def _failed(step: Step, job: CloudJob, look: JobLook) -> Ending:
    kind, said = _parts(look.reason)
    if kind in _OF_THE_SERVICE:
        message = f"The job failed at AWS: {kind}: {said}"
        advice = "If it happens again, choose another instance type or region."
        return crashed(step, AttemptStatus.FAILED, message, advice, look.exit_code)
    if kind not in _OF_THE_PROGRAM:
        return _final(f"The job {job.name} failed at AWS: {look.reason}", "", look.exit_code)
    code = look.exit_code
    if code is not None and code > 128:
        return ending_of(step, code, said, lambda: said)
    message, _, advice = said.partition("\n")
    if not message:
        message, advice = f"The job {job.name} failed and gave no reason.", "Its log may have more."
    return _final(message, advice, code)


def _parts(reason: str) -> tuple[str, str]:
    found = _CLASS.match(reason)
    kind, said = (found["kind"], reason[found.end() :]) if found else ("", reason)
    if kind not in (*_OF_THE_PROGRAM, *_OF_THE_SERVICE, "ClientError"):
        kind, said = "", reason  # the program's own exception, without a word of the service before it
    return kind, _CODE.sub("", said).strip()


def _final(message: str, advice: str, code: int | None) -> Ending:
    return Ending(StepState.FAILED, AttemptStatus.FAILED, message, advice, code)
