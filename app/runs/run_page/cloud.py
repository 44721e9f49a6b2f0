"""What a run's page says of the jobs at AWS that do its steps: where each runs, what AWS says of it, what it
was expected to cost and what it has cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy.orm import Session

from app.core.pages import duration
from app.runs import launch_queries
from app.runs.cloud import mirroring as mirror
from app.runs.cloud import queries as job_queries
from app.runs.cloud.tables import CloudJob
from app.runs.launch_estimate import UNKNOWN, money, rate
from app.runs.queries import RunDetail
from app.runs.run_page.cards import Fact
from app.runs.states import StepState
from app.runs.tables import Step

STATUS = {
    "": "asked for",
    "Pending": "waits for the steps before it",
    "InProgress": "running",
    "Executing": "running",
    "Starting": "starting",
    "Stopping": "being stopped",
    "Stopped": "stopped",
    "Completed": "completed",
    "Succeeded": "completed",
    "Failed": "failed",
    "Refused": "refused",
}
PHASE = {
    "Starting": "its machine starts",
    "LaunchingMLInstances": "its machine starts",
    "PreparingTrainingStack": "its machine is prepared",
    "Downloading": "it fetches its inputs",
    "DownloadingTrainingImage": "it fetches its image",
    "Uploading": "it sends what it made",
    "Interrupted": "its spot machine was taken away",
    "MaxRuntimeExceeded": "its time was over",
    "MaxWaitTimeExceeded": "no spot machine came in time",
}
DOMAINS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
PAGES = {"training": "jobs", "processing": "processing-jobs"}


@dataclass(frozen=True)
class JobView:
    """One job. ``url`` is its page in AWS's console, empty where what stands in for AWS has none."""

    step: str
    name: str
    kind: str
    region: str
    instance: str
    said: str
    reason: str
    problem: str
    url: str
    expected: str
    cost: str
    pipeline: str  # what the execution as a whole says, for a step of one
    package: str

    @property
    def facts(self) -> list[tuple[str, str]]:
        """For the page, in its order; what is empty is left out."""
        named = [
            ("Runs on", f"SageMaker {self.kind} job in {self.region}"),
            ("Instance", self.instance),
            ("AWS says", self.said),
            ("Pipeline", self.pipeline),
            ("Expected", self.expected),
            ("Cost", self.cost),
            ("Package", self.package),
        ]
        return [(name, value) for name, value in named if value]


@dataclass(frozen=True)
class CloudPart:
    """``jobs`` by the step's id, the newest of each; ``all`` of the run's, earlier attempts among them."""

    jobs: Mapping[str, CloudJob]
    all: Sequence[CloudJob]

    @property
    def facts(self) -> list[Fact]:
        """What the whole run has cost at AWS, for the strip."""
        if not self.all:
            return []
        ended = [job.dollars for job in self.all if job.ended_at is not None and job.status != "Refused"]
        known = [dollars for dollars in ended if dollars is not None]
        if len(known) < len(ended):
            return [
                (
                    "Cost at AWS",
                    UNKNOWN if not known else f"at least {money(sum(known))}",
                    "a price is not known",
                )
            ]
        still_open = sum(job.ended_at is None for job in self.all)
        running = f"{still_open} job{'s' if still_open > 1 else ''} not yet over" if still_open else ""
        return [("Cost at AWS", money(sum(known)) if known else "none yet", running)]

    @property
    def decided(self) -> Mapping[str, str]:
        """The outcomes of the pipeline's conditions, by their steps' names there."""
        found: dict[str, str] = {}
        for job in self.all:
            found |= job.facts.get(mirror.CONDITIONS, {})
        return found

    @property
    def ended(self) -> tuple[str, str]:
        """How the execution has ended, and why, in AWS's words; empty while nobody knows."""
        for job in reversed(self.all):
            if job.facts.get(mirror.STATUS) in ("Failed", "Stopped", "Succeeded"):
                return str(job.facts[mirror.STATUS]), str(job.facts.get(mirror.REASON, ""))
        return "", ""


def cloud_part(session: Session, detail: RunDetail) -> CloudPart:
    """Nothing is asked for a run that stays here."""
    if not any(step.spec.get("compute") for step in detail.steps):
        return CloudPart({}, [])
    by_step = job_queries.jobs_of_run(session, detail.run.id)
    return CloudPart(
        {step: jobs[-1] for step, jobs in by_step.items()}, [job for jobs in by_step.values() for job in jobs]
    )


def job_view(
    session: Session, step: Step, job: CloudJob | None, now: datetime, *, console: bool
) -> JobView | None:
    if job is None:
        return None
    pipeline = str(job.facts.get("execution", "")).rpartition("/")[2]
    status = str(job.facts.get(mirror.STATUS, "")).lower()
    return JobView(
        step=step.name,
        name=str(job.facts.get(mirror.JOB) or job.name),
        kind=job.kind,
        region=job.region,
        instance=instance_in_words(job.instance_type, job.instance_count, spot=job.spot),
        said=_said(job),
        reason=job.reason
        if step.state == StepState.FAILED or job.status in ("Failed", "Stopped", "Refused")
        else "",
        problem=job.problem,
        url=_url(job) if console and job.arn else "",
        expected=_expected(session, step, job),
        cost=_cost(job, now),
        pipeline=f"execution {pipeline}, {status}" if pipeline else "",
        package=str(job.facts.get(mirror.PACKAGE, "")),
    )


def instance_in_words(instance_type: str, count: int, *, spot: bool) -> str:
    times = f"{count} × " if count > 1 else ""
    return f"{times}{instance_type}{', spot' if spot else ''}"


def _said(job: CloudJob) -> str:
    if job.facts.get(mirror.CACHED):
        return "taken from SageMaker's own cache"
    word = STATUS.get(job.status, job.status)
    phase = PHASE.get(job.phase, "" if job.ended_at else job.phase.lower())
    return f"{word}: {phase}" if phase and phase != word else word


def _expected(session: Session, step: Step, job: CloudJob) -> str:
    """As it was when the job was begun."""
    usual = launch_queries.job_times(session, step.pipeline, step.name, job.instance_type, job.created_at)
    if usual is None:
        return "no earlier job on this instance type"
    jobs = "one earlier job" if usual.n == 1 else f"{usual.n} earlier jobs"
    return f"{money(job.dollars_for(usual.seconds))}, {duration(usual.seconds)}: median of {jobs}"


def _cost(job: CloudJob, now: datetime) -> str:
    price = rate(job.price_per_hour)
    if job.billable_seconds is not None and job.ended_at is not None:
        return f"{money(job.dollars)}: {duration(job.billable_seconds)} at {price}"
    if job.started_at is None or job.ended_at is not None:
        return price
    ran = (now - job.started_at).total_seconds()
    return f"{money(job.dollars_for(ran))} so far: {duration(ran)} at {price}"


def _url(job: CloudJob) -> str:
    domain = next(
        (each for start, each in DOMAINS.items() if job.region.startswith(start)), "console.aws.amazon.com"
    )
    name = quote(str(job.facts.get(mirror.JOB) or job.name))
    page = f"sagemaker/home?region={job.region}#/{PAGES[job.kind]}/{name}"
    return f"https://{job.region}.{domain}/{page}"


def disagreement(gate: Mapping[str, object] | None, decided: Mapping[str, str]) -> str:
    """Where our gate and the pipeline's condition differ: nobody should trust either without a look."""
    if gate is None or not decided:
        return ""
    there = all(outcome == "True" for outcome in decided.values())
    if there == bool(gate["passed"]):
        return ""
    ours, theirs = ("passed", "did not pass") if gate["passed"] else ("did not pass", "passed")
    return f"Here the gate {ours}; at SageMaker {' and '.join(decided)} {theirs}."
