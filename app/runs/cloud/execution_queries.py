"""Which executions of pipelines belong to a run: the ledger knows each since before it was begun."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.integrations.aws.tables import CloudResource
from app.runs.cloud.tables import CloudJob


def executions_of(session: Session, run_id: str) -> Sequence[CloudResource]:
    """In the order in which they were begun."""
    mine = (CloudResource.kind == "pipeline-execution", CloudResource.subject_id == run_id)
    query = select(CloudResource).where(*mine).order_by(CloudResource.created_at, CloudResource.id)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def execution_arns(session: Session, arns: Sequence[str]) -> dict[str, str]:
    """The ids of the runs of these executions; one that somebody began elsewhere has none."""
    query = select(CloudResource.arn, CloudResource.subject_id).where(CloudResource.arn.in_(arns))
    return {arn: run_id for arn, run_id in session.execute(query).tuples() if run_id}


def jobs_named(session: Session, run_id: str) -> Sequence[CloudJob]:
    """Of a run, the newest first."""
    query = select(CloudJob).where(CloudJob.run_id == run_id)
    return session.scalars(query.order_by(CloudJob.created_at.desc(), CloudJob.id.desc())).all()
