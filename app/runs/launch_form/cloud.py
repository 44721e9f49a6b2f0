"""The part of the launch form that says where the programs run: here, at SageMaker, and on what."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.work import Work
from app.integrations.aws.config import row_of
from app.runs.launch_compute import JOBS, LOCAL, PIPELINE, Wanted, instance_of, programs
from app.runs.launch_estimate import CloudEstimate, StepEstimate, estimate
from app.runs.launch_form.form import INSTANCE, STEP, LaunchForm
from ml.pipeline.definition import Pipeline, ProgramStep

NOT_SET_UP = "not set up on this installation; an administrator does it under Settings, Cloud"


@dataclass(frozen=True)
class Place:
    """Somewhere a run could be executed; ``reason`` says why it can't be, where it can't."""

    value: str
    name: str
    text: str
    reason: str = ""


@dataclass(frozen=True)
class StepRow:
    """One program step: where it goes and on what. ``estimate`` is None for one that stays here."""

    step: ProgramStep
    compute: str  # "": as the run
    host: str
    instance: str  # empty: the usual one
    usual: str
    estimate: StepEstimate | None
    problems: Sequence[str]

    @property
    def compute_name(self) -> str:
        return STEP + self.step.name

    @property
    def instance_name(self) -> str:
        return INSTANCE + self.step.name


@dataclass(frozen=True)
class CloudSection:
    """``rows`` is empty where SageMaker is not set up: there is nothing to choose then."""

    places: Sequence[Place]
    rows: Sequence[StepRow]
    estimate: CloudEstimate | None
    problem: str
    whole: bool  # a pipeline there is taken as a whole, so no step has a choice

    @property
    def open(self) -> bool:
        return self.estimate is not None or any(
            row.problems or row.compute or row.instance for row in self.rows
        )

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        return [("Expected cost", self.estimate.cost, self.estimate.grounds)] if self.estimate else []


def cloud_section(work: Work, pipeline: Pipeline, recipe: str, form: LaunchForm) -> CloudSection:
    setup = row_of(work)
    wanted = form.wanted
    found = estimate(work, pipeline, recipe, wanted)
    by_step = {each.step: each for each in found.steps} if found else {}
    rows = [
        StepRow(
            step,
            wanted.computes.get(step.name, ""),
            wanted.host(step.name),
            form.instance_types.get(step.name, ""),
            instance_of(pipeline, step, Wanted(), setup),
            by_step.get(step.name),
            [problem for name in _fields(step) if (problem := form.errors.get(name))],
        )
        for step in programs(pipeline)
        if setup
    ]
    where = f"in {setup.region}, paid by the second" if setup else ""
    problem = form.errors.get("compute", "")
    return CloudSection(_places(where), rows, found, problem, form.compute == PIPELINE)


def _places(where: str) -> list[Place]:
    """``where`` is empty on an installation without a cloud."""
    reason = "" if where else NOT_SET_UP
    return [
        Place(LOCAL, "This installation", "Each step by a worker here."),
        Place(JOBS, "SageMaker jobs", f"Each step as a job of its own {where}.", reason),
        Place(PIPELINE, "SageMaker pipeline", f"The steps as one pipeline {where}.", reason),
    ]


def _fields(step: ProgramStep) -> tuple[str, str]:
    """What a refusal calls them."""
    return f"computes.{step.name}", f"instance_types.{step.name}"
