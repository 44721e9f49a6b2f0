"""What SageMaker's description of a job says, in our words."""

import re
from collections.abc import Mapping
from typing import Any

from app.runs.cloud.hosts import Cause, JobLook, JobState

_STATES: Mapping[str, JobState] = {
    "Pending": "running",
    "InProgress": "running",
    "Stopping": "running",
    "Completed": "completed",
    "Failed": "failed",
    "Stopped": "stopped",
}
_CAUSES: Mapping[str, Cause] = {
    "Interrupted": "spot",
    "MaxWaitTimeExceeded": "spot",
    "MaxRuntimeExceeded": "time",
}
_EXIT_CODE = re.compile(r"exit code:? (\d+)", re.IGNORECASE)


def training_look(said: Mapping[str, Any]) -> JobLook:
    status, phase = said["TrainingJobStatus"], said.get("SecondaryStatus", "")
    reason = said.get("FailureReason", "")
    return JobLook(
        _STATES.get(status, "running"),
        status=status,
        phase=phase,
        reason=reason,
        cause=_CAUSES.get(phase, ""),
        exit_code=_exit_code(reason),
        started_at=said.get("TrainingStartTime"),
        ended_at=said.get("TrainingEndTime"),
        billable_seconds=said.get("BillableTimeInSeconds"),
        arn=said.get("TrainingJobArn", ""),
    )


def processing_look(said: Mapping[str, Any]) -> JobLook:
    """Of a processing job no seconds to be billed are told: those between its start and its end are."""
    status = said["ProcessingJobStatus"]
    started, ended = said.get("ProcessingStartTime"), said.get("ProcessingEndTime")
    reason = said.get("FailureReason") or said.get("ExitMessage") or ""
    overtime = "MaxRuntime" in reason or "maximum runtime" in reason.lower()
    return JobLook(
        _STATES.get(status, "running"),
        status=status,
        reason=reason,
        cause="time" if overtime else "",
        exit_code=_exit_code(reason),
        started_at=started,
        ended_at=ended,
        billable_seconds=(ended - started).total_seconds() if started and ended else None,
        arn=said.get("ProcessingJobArn", ""),
    )


def _exit_code(reason: str) -> int | None:
    found = _EXIT_CODE.search(reason)
    return int(found[1]) if found else None
