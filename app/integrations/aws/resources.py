"""The ledger: every resource that the product makes at AWS, written down before it is asked for.

A process that dies between the two leaves a row without a resource, which costs nothing; the other way round
something would run and bill unseen.
"""

from typing import Literal

from sqlalchemy import update

from app.core.database import now
from app.core.ids import new_id
from app.core.numbers import add_unless_there
from app.core.work import Work
from app.integrations.aws import queries
from app.integrations.aws.config import CloudConfig
from app.integrations.aws.tables import CloudResource

Kind = Literal[
    "processing-job",
    "training-job",
    "pipeline",
    "pipeline-execution",
    "model-package-group",
    "model-package",
    "model",
    "endpoint-config",
    "endpoint",
    "glue-database",
    "glue-table",
    "s3-prefix",
]
WORKING_FILES = ("code", "inputs", "jobs", "checkpoints", "pipelines")


def note_resource(
    work: Work,
    kind: Kind,
    name: str,
    *,
    arn: str = "",
    region: str,
    subject_id: str | None,
    instance_type: str = "",
    instance_count: int = 1,
) -> CloudResource:
    """Once more is the same row: it takes on what is known by now, and is there again if it was deleted."""
    row = queries.resource(work.session, kind, name, region)
    if row is None:
        row = CloudResource(id=new_id("cr"), kind=kind, name=name, region=region, subject_id=subject_id)
        add_unless_there(work.session, row)
        row = queries.resource(work.session, kind, name, region)
        assert row is not None
    row.arn = arn or row.arn
    row.subject_id = subject_id or row.subject_id
    row.instance_type = instance_type or row.instance_type
    row.instance_count = instance_count
    row.deleted_at = None
    row.problem = ""
    work.session.flush()
    return row


def resource_gone(work: Work, kind: Kind | str, name: str, *, region: str | None = None) -> None:
    """It is not there any more, whoever deleted it. Without a region: wherever it was."""
    gone = update(CloudResource).where(CloudResource.kind == kind, CloudResource.name == name)
    if region is not None:
        gone = gone.where(CloudResource.region == region)
    work.session.execute(gone.values(deleted_at=now(), problem=""))


def note_working_files(work: Work, config: CloudConfig) -> None:
    """Where jobs find their code and inputs and leave what they made: it belongs to no run alone."""
    for part in WORKING_FILES:
        note_resource(work, "s3-prefix", f"{config.uri(part)}/", region=config.region, subject_id=None)


def note_state(work: Work, resource_id: str, state: str) -> None:
    """As AWS tells it now."""
    noted = update(CloudResource).where(CloudResource.id == resource_id)
    work.session.execute(noted.values(state=state, state_at=now()))


def note_problem(work: Work, resource_id: str, problem: str) -> None:
    """Why it could not be deleted."""
    work.session.execute(update(CloudResource).where(CloudResource.id == resource_id).values(problem=problem))
