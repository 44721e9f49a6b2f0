"""Where each step of a launch is executed: by workers here, as a job at SageMaker, or in a pipeline there.

Settled once, at launch, and written into each step's spec: settings that change afterwards change no run
that exists.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import botocore.session

from app.core.errors import Conflict, Invalid
from app.core.work import Work
from app.integrations.aws.config import row_of
from app.integrations.aws.errors import CloudNotSetUp
from app.integrations.aws.tables import CloudSettings
from app.runs.spec import ComputeSpec
from ml.pipeline.definition import Job, ParameterRef, ParameterValue, Pipeline, ProgramStep

LOCAL, JOBS, PIPELINE = "local", "sagemaker", "sagemaker-pipeline"
COMPUTES = (LOCAL, JOBS, PIPELINE)
STEP_COMPUTES = (LOCAL, JOBS)
Compute = Literal["local", "sagemaker", "sagemaker-pipeline"]
StepCompute = Literal["local", "sagemaker"]
WORDS: Mapping[str, str] = {
    LOCAL: "this installation",
    JOBS: "SageMaker jobs",
    PIPELINE: "a SageMaker pipeline",
}
VOLUME_GB = 30  # an encoder, its checkpoints and the features take less than five


class ComputeRefused(Invalid):
    """``problems`` in the details holds one sentence a field, for the form to show beside it."""

    title = "It can't run there"


class NotPortable(Conflict):
    title = "This pipeline runs here only"


@dataclass(frozen=True)
class Wanted:
    """What a launch asks for; ``computes`` and ``instance_types`` by the names of the pipeline's steps."""

    compute: str = LOCAL
    computes: Mapping[str, str] = field(default_factory=dict)
    instance_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def away(self) -> bool:
        """Whether anything of it leaves this installation."""
        return self.compute != LOCAL or any(each != LOCAL for each in self.computes.values())

    def host(self, step: str) -> str:
        """Where a step of that name goes; a pipeline there is taken as a whole."""
        return self.compute if self.compute == PIPELINE else self.computes.get(step, self.compute)


def settled(
    work: Work, pipeline: Pipeline, wanted: Wanted, values: Mapping[str, ParameterValue]
) -> Mapping[str, ComputeSpec]:
    """By the name of the pipeline's step; one that is executed here has none."""
    problems = _problems(pipeline, wanted)
    if problems:
        raise ComputeRefused(" ".join(problems.values()), "Correct it, or leave it out.", problems=problems)
    if not wanted.away:
        return {}
    if not pipeline.portable:
        raise NotPortable(f"The pipeline {pipeline.name} runs on this installation only.", "Choose local.")
    setup = row_of(work)
    if setup is None:
        raise CloudNotSetUp
    steps = [step for step in programs(pipeline) if wanted.host(step.name) != LOCAL]
    return {step.name: _spec(pipeline, step, wanted, setup, values) for step in steps}


def programs(pipeline: Pipeline) -> Sequence[ProgramStep]:
    """Those that can go anywhere: gates and what writes to the registry stay with us."""
    return [step for step in pipeline.steps if isinstance(step, ProgramStep)]


def instance_of(pipeline: Pipeline, step: ProgramStep, wanted: Wanted, setup: CloudSettings) -> str:
    """A pipeline there has one instance type for all its processing steps and one for its training."""
    usual = setup.training_instance if step.job == "training" else setup.processing_instance
    alike = _alike(pipeline, step) if wanted.compute == PIPELINE else [step.name]
    return next((wanted.instance_types[name] for name in alike if wanted.instance_types.get(name)), usual)


def _alike(pipeline: Pipeline, step: ProgramStep) -> list[str]:
    return [other.name for other in programs(pipeline) if other.job == step.job]


def _spec(
    pipeline: Pipeline,
    step: ProgramStep,
    wanted: Wanted,
    setup: CloudSettings,
    values: Mapping[str, ParameterValue],
) -> ComputeSpec:
    """What runs here in shards runs in a pipeline there on as many instances."""
    divided = step.shards if wanted.compute == PIPELINE else 1
    count = values[divided.name] if isinstance(divided, ParameterRef) else divided
    return ComputeSpec(
        host="sagemaker-pipeline" if wanted.compute == PIPELINE else "sagemaker",
        job=step.job,
        instance_type=instance_of(pipeline, step, wanted, setup),
        instance_count=int(count),
        volume_gb=VOLUME_GB,
        spot=setup.spot and step.job == "training",
        max_seconds=step.deadline_seconds,
    )


@cache
def known_instances(job: Job) -> frozenset[str]:
    """Those that the service takes for such a job, by its own description. Reading it takes a quarter of a
    second, so it is read when somebody names one."""
    service = botocore.session.Session().get_service_model("sagemaker")
    shape = service.shape_for("TrainingInstanceType" if job == "training" else "ProcessingInstanceType")
    return frozenset(shape.metadata["enum"])


def _problems(pipeline: Pipeline, wanted: Wanted) -> Mapping[str, str]:
    if wanted.compute not in COMPUTES:
        return {"compute": f"There is no compute {wanted.compute!r}. Choose {_one_of(COMPUTES)}."}
    names = [step.name for step in programs(pipeline)]
    found = {f"computes.{name}": _of_step(pipeline, names, name, wanted) for name in wanted.computes}
    found |= {
        f"instance_types.{name}": _of_instance(pipeline, names, name, wanted)
        for name in wanted.instance_types
    }
    if wanted.compute == PIPELINE and (unlike := _unlike(pipeline, wanted)):
        found["compute"] = unlike
    return {name: problem for name, problem in found.items() if problem}


def _of_step(pipeline: Pipeline, names: Sequence[str], name: str, wanted: Wanted) -> str:
    if unknown := _unknown(pipeline, names, name):
        return unknown
    compute = wanted.computes[name]
    if compute not in STEP_COMPUTES:
        return f"{name} can't run on {compute!r}. Choose {_one_of(STEP_COMPUTES)}."
    if wanted.compute == PIPELINE and compute == LOCAL:
        return f"{name} is part of the pipeline at SageMaker, which runs as a whole. Choose {JOBS} instead."
    return ""


def _of_instance(pipeline: Pipeline, names: Sequence[str], name: str, wanted: Wanted) -> str:
    if unknown := _unknown(pipeline, names, name):
        return unknown
    instance = wanted.instance_types[name]
    job = next(step.job for step in programs(pipeline) if step.name == name)
    if instance not in known_instances(job):
        close = difflib.get_close_matches(instance, known_instances(job), 1)
        return f"{instance[:60]!r} is no instance type for {job}. Did you mean {(*close, 'ml.m5.xlarge')[0]}?"
    if wanted.host(name) == LOCAL:
        return f"{name} runs on this installation, where {instance} is of no use."
    return ""


def _unknown(pipeline: Pipeline, names: Sequence[str], name: str) -> str:
    if name in names:
        return ""
    if name in [step.name for step in pipeline.steps]:
        return f"{name} has no program of its own: it is decided here, whatever the run runs on."
    close = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(names)}."
    return f"{name[:60]!r} is no step. {hint}"


def _unlike(pipeline: Pipeline, wanted: Wanted) -> str:
    """Two instance types where a pipeline there has room for one."""
    for step in programs(pipeline):
        named = {
            wanted.instance_types[name] for name in _alike(pipeline, step) if name in wanted.instance_types
        }
        if len(named) > 1:
            steps = " and ".join(_alike(pipeline, step))
            return f"In a pipeline at SageMaker {steps} run on one instance type. Name it for one of them."
    return ""


def _one_of(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
