"""A step with shards becomes plain steps: its children, and one of its own name that merges what they made.

Done once, when a run is launched, so the engine, the workers and the cache know nothing of it: a child is
leased, cancelled, tried again and taken from the cache like any step, by any worker. What follows consumes
the merged artifact under the step's own name, whether it was fanned out or not.
"""

from collections.abc import Mapping
from dataclasses import replace

from ml.contract.share import CHANNEL, SHARD, SHARDS
from ml.pipeline.definition import (
    MOST_SHARDS,
    GateStep,
    ParameterValue,
    Pipeline,
    ProgramStep,
    Step,
    StepOutput,
)
from ml.pipeline.resolve import resolve_argument


def fanned_out(pipeline: Pipeline, parameters: Mapping[str, ParameterValue]) -> Pipeline:
    """The pipeline as a run of these parameters walks it. A step of one shard stays as it is."""
    counts = {step.name: _count(step, parameters) for step in pipeline.steps if isinstance(step, ProgramStep)}
    steps = [each for step in pipeline.steps for each in _expanded(step, counts)]
    return replace(pipeline, steps=tuple(steps))


def shard_name(step: str, number: int) -> str:
    return f"{step}[{number}]"


def _count(step: ProgramStep, parameters: Mapping[str, ParameterValue]) -> int:
    argument = step.shards
    count = int(argument if isinstance(argument, int) else resolve_argument(argument, parameters))
    if not 1 <= count <= MOST_SHARDS:
        raise ValueError(f"{step.name} has {count} shards; its definition must keep them to 1..{MOST_SHARDS}")
    return count


def _expanded(step: Step, counts: Mapping[str, int]) -> list[Step]:
    if isinstance(step, GateStep):
        return [replace(step, if_passed=_with_shards(step.if_passed, counts))]
    count = counts.get(step.name, 1)
    if not isinstance(step, ProgramStep) or count == 1:
        return [step]
    children = [_child(step, number, count) for number in range(1, count + 1)]
    outputs = {f"{CHANNEL}{child.shard}": StepOutput(child.name) for child in children}
    return [*children, replace(step, program=step.merge, inputs=outputs)]


def _with_shards(names: tuple[str, ...], counts: Mapping[str, int]) -> tuple[str, ...]:
    """A gate before a step is before its children, too."""
    shards = [
        shard_name(name, number)
        for name in names
        if counts.get(name, 1) > 1
        for number in range(1, counts[name] + 1)
    ]
    return (*shards, *names)


def _child(step: ProgramStep, number: int, count: int) -> ProgramStep:
    return replace(
        step,
        name=shard_name(step.name, number),
        arguments={**step.arguments, SHARD: number, SHARDS: count},
        part_of=step.name,
        shard=number,
    )
