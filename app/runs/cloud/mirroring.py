"""What an execution of a pipeline and its steps say, as a look at one of our steps' jobs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.runs.cloud.hosts import JobLook

CONDITIONS, PACKAGE, MODEL = "conditions", "package_arn", "model_arn"
STATUS, REASON = "execution_status", "execution_reason"
JOB, CACHED = "job", "cached_from"
_ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
_KINDS = {"processing": "ProcessingJob", "training": "TrainingJob"}


def job_arn(step: Mapping[str, Any] | None, kind: str) -> str:
    """Of the job that the service made for its step, under a name of its own; empty before there is one."""
    found: Mapping[str, Any] = (step or {}).get("Metadata", {}).get(_KINDS[kind], {})
    return str(found.get("Arn", ""))


def cached_from(step: Mapping[str, Any] | None) -> str:
    """The execution whose work the service's cache gave to this step."""
    return str(((step or {}).get("CacheHitResult") or {}).get("SourcePipelineExecutionArn", ""))


def decided(execution: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the execution as a whole has come to: its conditions' outcomes, and what it registered."""
    found: dict[str, Any] = {STATUS: execution["PipelineExecutionStatus"]}
    if reason := _reason(execution, steps):
        found[REASON] = reason
    outcomes = {}
    for name, step in steps.items():
        told = step.get("Metadata", {})
        if outcome := told.get("Condition", {}).get("Outcome"):
            outcomes[name] = outcome
        if arn := told.get("RegisterModel", {}).get("Arn"):
            found[PACKAGE] = arn
        if arn := told.get("Model", {}).get("Arn"):
            found[MODEL] = arn
    return found | ({CONDITIONS: outcomes} if outcomes else {})


def _reason(execution: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> str:
    """The step's own words say more than the execution's."""
    failed = [f"{name}: {step['FailureReason']}" for name, step in steps.items() if step.get("FailureReason")]
    return "; ".join(failed) or str(execution.get("FailureReason", ""))


def looked(
    execution: Mapping[str, Any], step: Mapping[str, Any] | None, job: JobLook | None, *, last: bool
) -> JobLook:
    """``job`` is what its job says, where it has one. The ``last`` step is over with the execution: what the
    pipeline decides and registers after it belongs to it. A failure counts once the execution has ended,
    for only then can it be gone on with."""
    status, over = execution["PipelineExecutionStatus"], execution["PipelineExecutionStatus"] in _ENDED
    if step is None:
        return _never_begun(execution, over)
    told = str(step["StepStatus"])
    base = job or JobLook("running", started_at=step.get("StartTime"), ended_at=step.get("EndTime"))
    base = replace(base, status=told, phase="" if job is None else base.phase)
    if cached_from(step):
        base = replace(
            base, started_at=step.get("StartTime"), ended_at=step.get("EndTime"), billable_seconds=0
        )
    if told == "Succeeded":
        if last and not over:
            return replace(base, state="running", phase="the pipeline decides", ended_at=None)
        return replace(base, state="completed")
    if told not in _ENDED or not over:
        return replace(base, state="running", ended_at=None)
    reason = base.reason or str(step.get("FailureReason", "")) or f"The execution {status.lower()}."
    ended = base.ended_at or step.get("EndTime")
    return replace(base, state="failed" if told == "Failed" else "stopped", reason=reason, ended_at=ended)


def _never_begun(execution: Mapping[str, Any], over: bool) -> JobLook:
    if not over:
        return JobLook("running", status="Pending", phase="waits for the steps before it")
    ended = execution.get("LastModifiedTime")
    if execution["PipelineExecutionStatus"] == "Stopped":
        return JobLook("stopped", status="Stopped", ended_at=ended)
    reason = f"The pipeline ended before this step began. {execution.get('FailureReason', '')}".strip()
    return JobLook("failed", status="Failed", reason=reason, ended_at=ended)
