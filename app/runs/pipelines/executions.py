"""Executions of a pipeline at SageMaker, as the service itself lists them: also those that somebody began
there without us. Nothing of it is kept here; who looks asks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.errors import FittingRoomError
from app.core.services import Services
from app.integrations.aws.clients import Aws, aws_of
from app.integrations.aws.errors import CloudAway, CloudExpired, CloudNotSetUp, CloudRefused, calling
from app.runs import queries
from app.runs.cloud import execution_queries
from app.runs.cloud.executions import PREFIX, Executions
from app.runs.tables import Run

PIPELINES, SHOWN = 5, 10  # each execution that is shown costs a call for its steps
STATES = {"Executing": "running", "Stopping": "cancelling", "Succeeded": "succeeded", "Failed": "failed"}
STATES |= {"Stopped": "cancelled", "Starting": "running"}


@dataclass(frozen=True)
class Listed:
    """``run`` is ours, None where somebody began it at AWS. ``state`` is a pill's word, ``status`` AWS's."""

    arn: str
    name: str
    pipeline: str
    status: str
    started_at: datetime
    reason: str
    steps: Sequence[tuple[str, str]]
    run: Run | None

    @property
    def state(self) -> str:
        return STATES.get(self.status, self.status)

    @property
    def steps_in_words(self) -> str:
        return ", ".join(f"{name} {status.lower()}" for name, status in self.steps)


@dataclass(frozen=True)
class ExecutionsPage:
    """``problem`` is why AWS could not be asked."""

    items: Sequence[Listed]
    problem: str = ""


def executions_page(services: Services, pipeline: str) -> ExecutionsPage:
    try:
        return ExecutionsPage(listed(services, pipeline))
    except (CloudNotSetUp, CloudAway, CloudExpired, CloudRefused) as error:
        return ExecutionsPage((), in_words(error))


def in_words(error: FittingRoomError) -> str:
    return f"{error.message} {error.advice}".strip()


def listed(services: Services, pipeline: str) -> list[Listed]:
    """The newest, with their steps. No transaction is open while AWS is asked."""
    with services.works.reading() as work:
        aws = aws_of(services, work)
    found = _newest(aws, pipeline)
    executions = Executions(services, aws)
    steps = {
        each["PipelineExecutionArn"]: executions.steps(each["PipelineExecutionArn"]) for each, _ in found
    }
    with services.works.reading() as work:
        ours = execution_queries.execution_arns(work.session, list(steps))
        runs = {run.id: run for run in queries.runs_by_ids(work.session, list(ours.values()))}
    return [
        _listed(each, name, steps, runs.get(ours.get(each["PipelineExecutionArn"], "")))
        for each, name in found
    ]


def _newest(aws: Aws, pipeline: str) -> list[tuple[Mapping[str, Any], str]]:
    """Summaries with the names of their pipelines: there is one of each definition that was ever run."""
    found: list[tuple[Mapping[str, Any], str]] = []
    with calling("list the pipelines"):
        pipelines = aws.sagemaker.list_pipelines(
            PipelineNamePrefix=f"{PREFIX}-{pipeline}",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=PIPELINES,
        )
    for each in pipelines["PipelineSummaries"]:
        with calling("list the pipeline's executions"):
            said = aws.sagemaker.list_pipeline_executions(
                PipelineName=each["PipelineName"],
                SortBy="CreationTime",
                SortOrder="Descending",
                MaxResults=SHOWN,
            )
        found += [(one, each["PipelineName"]) for one in said["PipelineExecutionSummaries"]]
    return sorted(found, key=lambda one: one[0]["StartTime"], reverse=True)[:SHOWN]


def _listed(
    said: Mapping[str, Any], pipeline: str, steps: Mapping[str, Mapping[str, Any]], run: Run | None
) -> Listed:
    arn = said["PipelineExecutionArn"]
    return Listed(
        arn=arn,
        name=said.get("PipelineExecutionDisplayName") or arn.rpartition("/")[2],
        pipeline=pipeline,
        status=said["PipelineExecutionStatus"],
        started_at=said["StartTime"],
        reason=said.get("PipelineExecutionFailureReason", ""),
        steps=[(name, step["StepStatus"]) for name, step in steps[arn].items()],
        run=run,
    )
