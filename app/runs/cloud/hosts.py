"""What a place at AWS can do for a step: the one contract behind which jobs and pipelines stand.

No method is called with a transaction open, for each asks a service that may take its time. All of them
raise the errors of app.integrations.aws.errors: ``CloudAway`` and ``CloudExpired`` say that nobody knows,
so the caller asks again; ``CloudRefused`` is an answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from app.core.storage import Tree
from app.runs.cloud.tables import CloudJob
from app.runs.spec import StepSpec

JobState = Literal["running", "completed", "failed", "stopped", "missing"]
# Why a job that nobody here stopped was stopped: its spot machine was taken away, its time was over.
Cause = Literal["", "spot", "time"]


@dataclass(frozen=True)
class JobOrder:
    """A step that shall run at AWS, with the row that was committed for it."""

    job: CloudJob
    run_number: int
    step_name: str
    spec: StepSpec
    inputs: Mapping[str, Tree]


@dataclass(frozen=True)
class Started:
    """``created`` is False where the job was there already: it was adopted."""

    arn: str
    created: bool = True
    output_uri: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JobLook:
    """What the service says of a job now. ``status`` and ``phase`` are its own words."""

    state: JobState
    status: str = ""
    phase: str = ""
    reason: str = ""
    cause: Cause = ""
    exit_code: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    billable_seconds: float | None = None
    arn: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LogPage:
    """Lines after ``positions``, the new positions, and whether more can be had at once."""

    lines: Sequence[str]
    positions: Mapping[str, Any]
    more: bool = False


class CloudHost(Protocol):
    def ensure(self, order: JobOrder, unwanted: Callable[[], bool]) -> Started:
        """The job of that name: found and adopted, else created under the very name that was recorded.

        ``unwanted`` is asked between two uploads; a True ends it with :class:`Unwanted`."""
        ...

    def look(self, job: CloudJob) -> JobLook: ...

    def logs(self, job: CloudJob, positions: Mapping[str, Any]) -> LogPage: ...

    def stop(self, job: CloudJob) -> None:
        """Ask the service to stop it. One that has ended, or is not there, is no error."""
        ...

    def fetch(self, job: CloudJob, into: Path, unwanted: Callable[[], bool]) -> dict[str, Path]:
        """The files of a completed job, as the local attempt would have left them: by their path in the
        artifact. ``unwanted`` is asked between two files; a True ends it with :class:`Unwanted`."""
        ...


class Unwanted(Exception):
    """Whoever asked has to stop, or was replaced, or nobody wants the step any more."""
