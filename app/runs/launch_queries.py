"""How long earlier jobs and steps took: what a launch is estimated by."""

from collections.abc import Sequence
from datetime import datetime
from statistics import median

from sqlalchemy import Exists, exists, select
from sqlalchemy.orm import Session, aliased

from app.core.database import seconds_between
from app.runs.cloud.tables import CloudJob
from app.runs.listing.queries import LATEST, Usual
from app.runs.spec import PROGRAM
from app.runs.states import StepState
from app.runs.tables import Run, Step


def job_times(
    session: Session, pipeline: str, step: str, instance_type: str, before: datetime | None = None
) -> Usual | None:
    """What SageMaker billed for this step on that instance type; None where it never ran on one."""
    query = select(CloudJob.billable_seconds).join(Step, Step.id == CloudJob.step_id)
    query = query.where(
        Step.pipeline == pipeline,
        Step.name == step,
        CloudJob.instance_type == instance_type,
        CloudJob.status.in_(("Completed", "Succeeded")),  # a job's own word, and that of a pipeline's step
        CloudJob.billable_seconds > 0,  # nothing is billed for what the service's cache gave
        ~_merging(),
    )
    if before is not None:
        query = query.where(CloudJob.created_at < before)
    return _median(session.scalars(query.order_by(CloudJob.id.desc()).limit(LATEST)).all())


def local_times(session: Session, pipeline: str, recipe: str | None, step: str) -> Usual | None:
    """What the step took on workers of this installation, in runs of the recipe."""
    query = select(seconds_between(Step.started_at, Step.finished_at)).join(Run, Run.id == Step.run_id)
    query = query.where(
        Step.pipeline == pipeline,
        Step.name == step,
        Step.kind == PROGRAM,
        Step.state == StepState.SUCCEEDED,
        Step.cached.is_(False),
        Step.started_at.is_not(None),
        Run.recipe == recipe,
        ~_merging(),
    )
    return _median(session.scalars(query.order_by(Step.id.desc()).limit(LATEST)).all())


def _merging() -> Exists:
    """A step that only merges what its shards did says nothing of how long the work takes."""
    shard = aliased(Step)
    return exists().where(shard.run_id == Step.run_id, shard.part_of == Step.name)


def _median(seconds: Sequence[float | None]) -> Usual | None:
    known = [each for each in seconds if each is not None]
    return Usual(median(known), len(known)) if known else None
