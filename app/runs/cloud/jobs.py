"""The verbs on a job's row: meant, begun, looked after, over. Each is one short transaction of its caller."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from app.core.database import now
from app.core.ids import new_id
from app.core.work import Work
from app.integrations.aws.config import CloudConfig
from app.integrations.aws.prices import price_of
from app.integrations.aws.resources import note_resource, note_working_files, resource_gone
from app.runs import leases, queries
from app.runs.cloud import queries as job_queries
from app.runs.cloud.hosts import JobLook, Started
from app.runs.cloud.tables import CloudJob
from app.runs.leases import Lease
from app.runs.spec import StepSpec
from app.runs.states import StepState
from app.runs.tables import Step
from ml.pipeline.sagemaker.names import job_name

PROGRAM_VERSION = "program_version"  # among a job's facts
REASON_LIMIT = 4000


def intend(work: Work, lease: Lease, step: Step, config: CloudConfig) -> CloudJob | None:
    """Write down which job this attempt is going to start, before anybody is asked to create it.

    One that an earlier attempt had meant, and that may stand at AWS by now, is taken on under its name: a
    step never has two at work. None: the lease was lost.
    """
    run = queries.locked_run(work.session, lease.run_id)
    if run is None or not queries.holds(work.session, lease.run_id, lease.step_id, lease.fence):
        return None
    before = job_queries.open_job(work.session, step.id)
    if before is not None and before.facts.get(PROGRAM_VERSION) == step.program_version:
        before.fence, before.attempt = lease.fence, lease.attempt
        # Whoever looked after it while it was nobody's learns that it is somebody's now.
        before.poll_owner = before.poll_until = None
        before.poll_at = queries.clock(work.session) + timedelta(seconds=lease.seconds)
        return before
    job = _new_job(work, run.number, lease, step, config)
    work.session.add(job)
    work.session.flush()
    note_working_files(work, config)
    if job.host == "sagemaker-pipeline":
        return job  # the service names its jobs itself, and the execution stands in the ledger
    note_resource(
        work,
        "training-job" if job.kind == "training" else "processing-job",
        job.name,
        region=job.region,
        subject_id=job.run_id,
        instance_type=job.instance_type,
        instance_count=job.instance_count,
    )
    return job


def _new_job(work: Work, run_number: int, lease: Lease, step: Step, config: CloudConfig) -> CloudJob:
    compute = StepSpec.from_json(step.spec).compute
    assert compute is not None, "its kind says that it runs at AWS"
    name = job_name(run_number, step.name, step.id, lease.fence)
    price = price_of(work, config.region, compute.instance_type, compute.job)
    return CloudJob(
        id=new_id("cj"),
        run_id=lease.run_id,
        step_id=lease.step_id,
        fence=lease.fence,
        attempt=lease.attempt,
        host=compute.host,
        kind=compute.job,
        name=name,
        region=config.region,
        output_uri=config.uri("jobs", name, "output"),
        facts={PROGRAM_VERSION: step.program_version},
        instance_type=compute.instance_type,
        instance_count=compute.instance_count,
        spot=compute.spot,
        price_per_hour=price.dollars_per_hour if price else None,
        max_seconds=compute.max_seconds,
        # Should this attempt die now, somebody looks whether there is a job that nobody wants.
        poll_at=queries.clock(work.session) + timedelta(seconds=lease.seconds),
    )


def begun(work: Work, lease: Lease, job: CloudJob, started: Started) -> bool:
    """The job stands at AWS: the step is remote and its worker free. False: the lease was lost."""
    if not leases.hand_over(work, lease):
        return False
    values: dict[str, Any] = {
        "arn": started.arn,
        "facts": {**job.facts, **started.facts},
        "poll_at": now(),
        "poll_owner": None,
        "poll_until": None,
        "problem": "",
    }
    if started.output_uri:
        values["output_uri"] = started.output_uri
    _change(work, job.id, values)
    return True


def refused(work: Work, job_id: str, reason: str) -> None:
    """AWS said no. Whether there is a job all the same is found out by whoever looks next: it may have been
    the question that was refused, and the job an earlier attempt's."""
    _change(work, job_id, {"poll_at": now(), "status": "Refused", "reason": reason[:REASON_LIMIT]})


def prolong(work: Work, job_id: str, owner: str, seconds: float) -> bool:
    """A keeper's beat. False: another one has taken the job, so stop and leave no trace."""
    mine = update(CloudJob).where(job_queries.kept(job_id, owner)).values(poll_until=now(seconds))
    return leases.execute_one(work.session, mine.returning(CloudJob.id)) is not None


def note(work: Work, job: CloudJob, look: JobLook) -> CloudJob | None:
    """What the service says now. None: another keeper has taken the job."""
    values = {
        "status": look.status or job.status,
        "phase": look.phase,
        # Why AWS refused to create it says more than that it is not there.
        "reason": (job.reason if look.state == "missing" else "") or look.reason[:REASON_LIMIT] or job.reason,
        "started_at": look.started_at or job.started_at,
        "billable_seconds": job.billable_seconds if look.billable_seconds is None else look.billable_seconds,
        "arn": look.arn or job.arn,
        "facts": {**job.facts, **look.facts},
    }
    return _kept_change(work, job, values)


def note_positions(work: Work, job: CloudJob, positions: Mapping[str, Any]) -> CloudJob | None:
    return _kept_change(work, job, {"log_positions": dict(positions)})


def stop_requested(work: Work, job: CloudJob, why: str) -> CloudJob | None:
    return _kept_change(work, job, {"stop_requested_at": now(), "stop_reason": why})


def leave(work: Work, job: CloudJob, seconds: float, problem: str = "") -> CloudJob | None:
    """Looked after for now; somebody comes back in so many seconds. ``problem`` is why nobody could look."""
    values = {
        "poll_at": now(seconds),
        "poll_owner": None,
        "poll_until": None,
        "problem": problem,
        "polls_failed": job.polls_failed + 1 if problem else 0,
    }
    return _kept_change(work, job, values)


def over(work: Work, job: CloudJob, look: JobLook) -> CloudJob | None:
    """The job has ended, or was never there. In the transaction that ends its step, where it has one."""
    if look.state == "missing":
        resource_gone(work, "training-job" if job.kind == "training" else "processing-job", job.name)
    values = {
        "ended_at": look.ended_at or queries.clock(work.session),
        "poll_owner": None,
        "poll_until": None,
        "problem": "",
    }
    return _kept_change(work, job, values)


def is_wanted(work: Work, job: CloudJob) -> bool:
    """Whether its step waits for this very job, or may yet take it on."""
    found = job_queries.step_of(work.session, job)
    if found is None or (job.stop_requested_at is not None and found[0].state != StepState.REMOTE):
        return False
    step, newest = found[0], job_queries.newest_job(work.session, job.step_id)
    if newest is None or newest.id != job.id:
        return False
    if step.state == StepState.REMOTE:
        return step.fence == job.fence
    return step.state in (StepState.BLOCKED, StepState.READY, StepState.LEASED)


def _kept_change(work: Work, job: CloudJob, values: Mapping[str, Any]) -> CloudJob | None:
    mine = update(CloudJob).where(job_queries.kept(job.id, job.poll_owner or "")).values(**values)
    if leases.execute_one(work.session, mine.returning(CloudJob.id)) is None:
        return None
    return work.session.get_one(CloudJob, job.id, populate_existing=True)


def _change(work: Work, job_id: str, values: Mapping[str, Any]) -> None:
    changed = update(CloudJob).where(CloudJob.id == job_id).values(**values)
    work.session.execute(changed.execution_options(synchronize_session=False))
