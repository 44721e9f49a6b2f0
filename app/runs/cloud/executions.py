"""A run as one execution of a pipeline at SageMaker: compiled, begun, found again, gone on with.

The pipeline is named by its definition's content. So two runs never write one definition over another's, an
execution is what its run was launched as, and equal runs share the service's cache.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.core.errors import Invalid
from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudAway, CloudMissing, CloudRefused, calling
from app.integrations.aws.resources import note_resource
from app.runs import queries
from app.runs.cloud import execution_queries
from app.runs.cloud.job_host import image_of
from app.runs.cloud.uploads import upload_code, upload_tree
from app.runs.spec import ComputeSpec, StepSpec
from app.runs.tables import Run
from ml.contract.faults import faultpoint
from ml.pipeline.definition import Pipeline, ProgramStep
from ml.pipeline.sagemaker.compile import (
    Machines,
    NotCompilable,
    Target,
    parameter_values,
    pipeline_definition,
)
from ml.pipeline.sagemaker.parameters import (
    DEPLOY_TYPE,
    INPUT,
    PROCESSING_COUNT,
    PROCESSING_TYPE,
    TRAIN_TYPE,
    TRAIN_VOLUME,
)

PREFIX = "fittingroom"
EXISTS = "already exists"
RUNNING = frozenset({"Executing", "Stopping"})
ENDED = frozenset({"Succeeded", "Failed", "Stopped"})


@dataclass(frozen=True)
class Planned:
    """A run and what its steps shall run on, read in one go: nothing is asked of AWS meanwhile."""

    run: Run
    pipeline: Pipeline
    computes: Mapping[str, ComputeSpec]
    round: int
    arn: str  # of the newest execution, as far as it is known
    pipeline_name: str  # of that execution
    display: str

    def compute(self, job: str) -> ComputeSpec | None:
        return next((each for each in self.computes.values() if each.job == job), None)


@dataclass(frozen=True)
class Executions:
    services: Services
    aws: Aws

    def ensure(self, plan: Planned, again: str, unwanted: Callable[[], bool]) -> tuple[str, bool]:
        """The execution's ARN, and whether it was begun or gone on with just now. ``again`` names who asks
        to go on: asked twice in that name, the service does it once."""
        if plan.display and (arn := plan.arn or self.search(plan)):
            found = self._going_on(plan, arn, again)
            if found:
                return found
            plan = replace(plan, round=plan.round + 1)
        return self._begin(plan, unwanted), True

    def describe(self, arn: str) -> Mapping[str, Any]:
        with calling("describe the pipeline's execution"):
            return self.aws.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)

    def steps(self, arn: str) -> dict[str, Mapping[str, Any]]:
        """By their names there. One that has not begun is not among them."""
        with calling("list the steps of the pipeline's execution"):
            pages = self.aws.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
                PipelineExecutionArn=arn, SortOrder="Ascending"
            )
            return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}

    def search(self, plan: Planned) -> str:
        """The execution whose beginner died before it could write down its ARN: by the name it was given."""
        try:
            with calling("list the pipeline's executions"):
                pages = self.aws.sagemaker.get_paginator("list_pipeline_executions").paginate(
                    PipelineName=plan.pipeline_name
                )
                found = [
                    each["PipelineExecutionArn"]
                    for page in pages
                    for each in page["PipelineExecutionSummaries"]
                    if each.get("PipelineExecutionDisplayName") == plan.display
                ]
        except CloudMissing:
            return ""
        return found[0] if found else ""

    def stop(self, arn: str) -> None:
        """One that has ended, or is not there, is no error."""
        try:
            with calling("stop the pipeline's execution"):
                faultpoint("cloud.stop_execution")
                self.aws.sagemaker.stop_pipeline_execution(
                    PipelineExecutionArn=arn, ClientRequestToken=token("stop", arn)
                )
        except CloudRefused:
            if self.describe(arn)["PipelineExecutionStatus"] == "Executing":
                raise

    def _going_on(self, plan: Planned, arn: str, again: str) -> tuple[str, bool] | None:
        """None: the service does not let this one go on, so another has to be begun."""
        try:
            status = self.describe(arn)["PipelineExecutionStatus"]
        except CloudMissing:
            return None
        if status == "Stopping":
            raise CloudAway(
                "The pipeline's execution is being stopped.", "The step goes on once it has ended."
            )
        if status not in ("Failed", "Stopped"):
            return arn, False
        try:
            with calling("retry the pipeline's execution"):
                faultpoint("cloud.retry_execution")
                self.aws.sagemaker.retry_pipeline_execution(
                    PipelineExecutionArn=arn, ClientRequestToken=token("retry", arn, again)
                )
        except CloudRefused:
            # Another step of the run was faster, or the service does not allow it (any more).
            return (arn, False) if self.describe(arn)["PipelineExecutionStatus"] in RUNNING else None
        return arn, True

    def _begin(self, plan: Planned, unwanted: Callable[[], bool]) -> str:
        """Known by name before it is begun; asked twice under one token, the service begins one."""
        name = self._upsert(plan, unwanted)
        display = f"{PREFIX}-run-{plan.run.number}-{plan.round + 1}-{token(plan.run.id)[:8]}"
        inputs = self._inputs(plan, unwanted)
        self._note("pipeline-execution", f"{name}/{display}", plan.run.id)
        parameters: Any = parameter_values(plan.run.parameters, **inputs)
        with calling("start the pipeline"):
            faultpoint("cloud.start_execution")
            said = self.aws.sagemaker.start_pipeline_execution(
                PipelineName=name,
                PipelineExecutionDisplayName=display,
                PipelineParameters=parameters,
                ClientRequestToken=token("start", name, plan.run.id, str(plan.round)),
            )
            faultpoint("cloud.execution_started")
        arn = said["PipelineExecutionArn"]
        self._note("pipeline-execution", f"{name}/{display}", plan.run.id, arn)
        return arn

    def _upsert(self, plan: Planned, unwanted: Callable[[], bool]) -> str:
        text = json.dumps(self._definition(plan, unwanted), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = f"{PREFIX}-{plan.pipeline.name}-{digest[:12]}"
        tags: Any = self.aws.config.tags
        self._note("pipeline", name, None)
        try:
            with calling("create the pipeline"):
                faultpoint("cloud.create_pipeline")
                self.aws.sagemaker.create_pipeline(
                    PipelineName=name,
                    PipelineDefinition=text,
                    RoleArn=self.aws.config.role_arn,
                    ClientRequestToken=digest,
                    Tags=tags,
                )
        except CloudRefused as refusal:
            if EXISTS not in refusal.message:
                raise
        return name

    def _definition(self, plan: Planned, unwanted: Callable[[], bool]) -> Mapping[str, Any]:
        config = self.aws.config
        programs = [step.program for step in plan.pipeline.steps if isinstance(step, ProgramStep)]
        training, processing = plan.compute("training"), plan.compute("processing")
        target = Target(
            input_data=config.uri("inputs"),  # each execution names its own
            code={program: upload_code(self.aws, program) for program in dict.fromkeys(programs)},
            output_uri=config.uri("pipelines", plan.pipeline.name),
            role_arn=config.role_arn,
            processing_image=image_of(config, processing) if processing else config.processing_image,
            training_image=image_of(config, training) if training else config.training_image,
            serving_image=config.serving_image,
            package_group=package_group(plan.run),
            machines=Machines(serving_type=config.serving_instance),
            spot=config.spot,
            tags={tag["Key"]: tag["Value"] for tag in config.tags},
        )
        try:
            return pipeline_definition(plan.pipeline, target)
        except NotCompilable as error:
            raise Invalid(str(error), "Run it with the compute sagemaker: each step as a job.") from None

    def _inputs(self, plan: Planned, unwanted: Callable[[], bool]) -> dict[str, str]:
        """The cloud's own parameters of this execution: its data, and what its steps run on."""
        storage, found = self.services.storage, {DEPLOY_TYPE: self.aws.config.serving_instance}
        for sha256 in plan.run.inputs.values():
            # With a slash: without it the prefix means the mark beside the tree, too.
            found[INPUT] = f"{upload_tree(self.aws, storage, storage.tree(sha256), unwanted)}/"
        if processing := plan.compute("processing"):
            most = max(each.instance_count for each in plan.computes.values())
            found |= {PROCESSING_TYPE: processing.instance_type, PROCESSING_COUNT: str(most)}
        if training := plan.compute("training"):
            found |= {TRAIN_TYPE: training.instance_type, TRAIN_VOLUME: str(training.volume_gb)}
        return found

    def _note(self, kind: Any, name: str, subject_id: str | None, arn: str = "") -> None:
        with self.services.works.writing() as work:
            region = self.aws.config.region
            note_resource(work, kind, name, arn=arn, region=region, subject_id=subject_id)


def planned(work: Work, pipelines: Mapping[str, Pipeline], run_id: str) -> Planned:
    run = work.session.get_one(Run, run_id)
    specs = {step.name: StepSpec.from_json(step.spec) for step in queries.steps_of(work.session, run_id)}
    before = execution_queries.executions_of(work.session, run_id)
    newest = before[-1] if before else None
    name, _, display = newest.name.partition("/") if newest else ("", "", "")
    return Planned(
        run=run,
        pipeline=pipelines[run.pipeline],
        computes={step: spec.compute for step, spec in specs.items() if spec.compute},
        round=max(0, len(before) - 1),
        arn=newest.arn if newest else "",
        pipeline_name=name,
        display=display,
    )


def package_group(run: Run) -> str:
    """Of the run's model, as AWS takes a name."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", run.model or run.pipeline).strip("-") or run.pipeline
    return f"{PREFIX}-{plain}"[:63].rstrip("-")


def token(*parts: str) -> str:
    """The same for the same request: asked twice, it happens once. AWS wants 32 to 128 characters."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
