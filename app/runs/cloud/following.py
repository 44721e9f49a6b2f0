"""What follows from a run's end for its execution at SageMaker: nothing goes on there for nobody.

A run may end while none of its steps is followed: cancelled between two of them, or failed here. Then the
execution is stopped by a message of its own, delivered until AWS has heard it.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from app.core.outbox import enqueue
from app.core.services import RunMove, Services
from app.core.work import Work
from app.integrations.aws.clients import aws_of
from app.integrations.aws.errors import CloudNotSetUp, CloudRefused
from app.runs.cloud import execution_queries
from app.runs.cloud import mirroring as mirror
from app.runs.cloud.executions import Executions
from app.runs.states import RunStatus
from app.runs.tables import Run

log = structlog.get_logger()

STOP = "cloud.stop_execution"
_UNFINISHED = frozenset({RunStatus.FAILED, RunStatus.CANCELLED})


def run_moved(work: Work, move: RunMove) -> None:
    """Told of every new status, inside the transaction that decides it."""
    if move.status in _UNFINISHED and execution_queries.executions_of(work.session, move.run_id):
        enqueue(work.session, STOP, {"run_id": move.run_id})


def execution_stopper(services: Services, payload: Mapping[str, Any]) -> None:
    """The outbox's sender. A run that was taken up again meanwhile keeps its execution."""
    with services.works.reading() as work:
        run = work.session.get(Run, payload["run_id"])
        begun = execution_queries.executions_of(work.session, payload["run_id"])
        try:
            aws = aws_of(services, work)
        except CloudNotSetUp:
            return  # nobody has a way to ask; the ledger still names it
    if run is not None and run.status not in _UNFINISHED:
        return
    for arn in [each.arn for each in begun if each.arn]:
        executions = Executions(services, aws)
        try:
            if executions.describe(arn)["PipelineExecutionStatus"] == "Executing":
                executions.stop(arn)
        except CloudRefused as refusal:
            log.warning("execution_not_stopped", arn=arn, problem=refusal.message)


def package_of(work: Work, run_id: str) -> str:
    """The ARN of the package that the run's execution registered, empty where it registered none."""
    jobs = execution_queries.jobs_named(work.session, run_id)
    return next((str(job.facts[mirror.PACKAGE]) for job in jobs if job.facts.get(mirror.PACKAGE)), "")
