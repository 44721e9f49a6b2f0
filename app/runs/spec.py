"""What a step's row says about its work, written at launch from the definition and never changed.

It is plain JSON, so that an older worker can read it and leave alone what it doesn't know.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

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

NATIVE_QUEUE = "io"  # steps without a program are short and touch only the database and the storage


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
class StepSpec:
    """``gates`` are the gates that must have passed before this step runs."""

    needs: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    program: str | None = None
    arguments: Mapping[str, ParameterValue] = field(default_factory=dict)
    inputs: Mapping[str, InputSpec] = field(default_factory=dict)
    conditions: tuple[ConditionSpec, ...] = ()
    cached: bool = False
    deadline_seconds: int = 3600

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
        )


def spec_of(pipeline: Pipeline, step: Step, parameters: Mapping[str, ParameterValue]) -> StepSpec:
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
    )


def kind_of(step: Step) -> str:
    if isinstance(step, GateStep):
        return "gate"
    return step.kind if isinstance(step, NativeStep) else "program"


def queue_of(step: Step) -> str:
    return step.queue if isinstance(step, ProgramStep) else NATIVE_QUEUE


def _input(source: Source) -> InputSpec:
    if isinstance(source, RunInput):
        return InputSpec(run_input=source.name)
    return InputSpec(step=source.step, path=source.path)


def _condition(condition: Condition, parameters: Mapping[str, ParameterValue]) -> ConditionSpec:
    left = condition.left
    threshold = float(resolve_argument(condition.right, parameters))
    return ConditionSpec(condition.label, left.step, left.file, left.path, condition.comparison, threshold)
