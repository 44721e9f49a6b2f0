"""What a step's row says about its work, written at launch from the definition and never changed.

It is plain JSON, so that an older worker can read it and leave alone what it doesn't know.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ml.pipeline.definition import (
    Comparison,
    Condition,
    GateStep,
    NativeStep,
    ParameterValue,
    Pipeline,
    ProgramStep,
    RunInput,
    Source,
    Step,
    needs,
)
from ml.pipeline.resolve import resolve_argument, resolve_arguments

PROGRAM, SAGEMAKER = "program", "sagemaker"  # the kinds of a step that runs a program: here, or at AWS
NATIVE_QUEUE = "io"  # steps without a program are short and touch only the database and the storage
CLOUD_QUEUE = "io"  # submitting is short, and afterwards the step holds no slot
CloudHostName = Literal["sagemaker", "sagemaker-pipeline"]


@dataclass(frozen=True)
class InputSpec:
    """Where a channel comes from: the run's input of that name, or a step's output below ``path``."""

    run_input: str | None = None
    step: str | None = None
    path: str = ""


@dataclass(frozen=True)
class ConditionSpec:
    """A condition whose threshold is resolved."""

    label: str
    step: str
    file: str
    path: str
    comparison: Comparison
    threshold: float


@dataclass(frozen=True)
class ComputeSpec:
    """Which machines at AWS the step's program runs on. Nothing of it changes what the program leaves, so it
    is no part of the cache's key."""

    host: CloudHostName
    job: Literal["processing", "training"]
    instance_type: str
    instance_count: int = 1
    volume_gb: int = 30
    spot: bool = False
    max_seconds: int = 24 * 3600


@dataclass(frozen=True)
class StepSpec:
    """``gates`` are those that must have passed before this step runs. Without ``compute`` it runs here.

    ``queue`` is the one that the pipeline names; in which the step waits is in its row, see app.runs.places.
    """

    needs: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    program: str | None = None
    arguments: Mapping[str, ParameterValue] = field(default_factory=dict)
    inputs: Mapping[str, InputSpec] = field(default_factory=dict)
    conditions: tuple[ConditionSpec, ...] = ()
    cached: bool = False
    deadline_seconds: int = 3600
    compute: ComputeSpec | None = None
    queue: str = ""  # steps of before have none

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, spec: Mapping[str, Any]) -> "StepSpec":
        return cls(
            needs=tuple(spec["needs"]),
            gates=tuple(spec["gates"]),
            program=spec["program"],
            arguments=spec["arguments"],
            inputs={name: InputSpec(**source) for name, source in spec["inputs"].items()},
            conditions=tuple(ConditionSpec(**condition) for condition in spec["conditions"]),
            cached=spec["cached"],
            deadline_seconds=spec["deadline_seconds"],
            compute=ComputeSpec(**spec["compute"]) if spec.get("compute") else None,
            queue=spec.get("queue", ""),
        )


def spec_of(
    pipeline: Pipeline,
    step: Step,
    parameters: Mapping[str, ParameterValue],
    compute: ComputeSpec | None = None,
) -> StepSpec:
    gates = tuple(
        gate.name for gate in pipeline.steps if isinstance(gate, GateStep) and step.name in gate.if_passed
    )
    if isinstance(step, GateStep):
        conditions = tuple(_condition(condition, parameters) for condition in step.conditions)
        return StepSpec(needs(step), gates, conditions=conditions)
    arguments = resolve_arguments(step.arguments, parameters)
    inputs = {name: _input(source) for name, source in step.inputs.items()}
    if isinstance(step, NativeStep):
        return StepSpec(needs(step), gates, arguments=arguments, inputs=inputs)
    return StepSpec(
        needs(step),
        gates,
        program=step.program,
        arguments=arguments,
        inputs=inputs,
        cached=step.cached,
        deadline_seconds=step.deadline_seconds,
        compute=compute,
        queue=queue_of(step, compute),
    )


def kind_of(step: Step, compute: ComputeSpec | None = None) -> str:
    """A kind of its own for what runs at AWS: a worker that is too old for it leaves the step alone."""
    if isinstance(step, GateStep):
        return "gate"
    if isinstance(step, NativeStep):
        return step.kind
    return SAGEMAKER if compute else PROGRAM


def queue_of(step: Step, compute: ComputeSpec | None = None) -> str:
    if not isinstance(step, ProgramStep):
        return NATIVE_QUEUE
    return CLOUD_QUEUE if compute else step.queue


def _input(source: Source) -> InputSpec:
    if isinstance(source, RunInput):
        return InputSpec(run_input=source.name)
    return InputSpec(step=source.step, path=source.path)


def _condition(condition: Condition, parameters: Mapping[str, ParameterValue]) -> ConditionSpec:
    left = condition.left
    threshold = float(resolve_argument(condition.right, parameters))
    return ConditionSpec(condition.label, left.step, left.file, left.path, condition.comparison, threshold)
