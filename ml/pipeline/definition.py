"""A pipeline as a value: parameters, steps, references between them, conditions.

The engine walks it locally; for SageMaker a pure function turns it into the Pipelines JSON. Nothing
here runs anything. The vocabulary is closed on purpose: what stands here, both hosts must understand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

ParameterType = Literal["integer", "number", "boolean", "text"]
ParameterValue = int | float | bool | str
Queue = Literal["cpu", "gpu", "io"]
Job = Literal["processing", "training"]
Comparison = Literal[">=", ">", "<=", "<"]
NativeKind = Literal["gate", "register", "publish"]

MOST_SHARDS = 64


@dataclass(frozen=True)
class Parameter:
    """One parameter of a pipeline.

    ``low`` and ``high`` are inclusive. ``choices`` closes a text parameter. ``words`` are values that a
    numeric parameter takes beside numbers (``all``). ``group`` is the heading it stands under in a form,
    where ``advanced`` ones are folded away.
    """

    name: str
    type: ParameterType
    default: ParameterValue
    help: str
    group: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    advanced: bool = False


@dataclass(frozen=True)
class ParameterRef:
    """The run's value of a parameter."""

    name: str


@dataclass(frozen=True)
class RunInput:
    """An artifact that is given to the run as a whole: the data set version, or the upload."""

    name: str


@dataclass(frozen=True)
class StepOutput:
    """What an earlier step left, or the directory ``path`` inside it."""

    step: str
    path: str = ""


@dataclass(frozen=True)
class Property:
    """A number inside a JSON file of a step's artifact, by its dotted path."""

    step: str
    file: str
    path: str


Argument = ParameterValue | ParameterRef
Source = RunInput | StepOutput


@dataclass(frozen=True)
class Condition:
    left: Property
    comparison: Comparison
    right: float | ParameterRef
    label: str  # how the gate's reasons name the left side: "accuracy"


@dataclass(frozen=True)
class ProgramStep:
    """A step that runs ``python -m {program}`` under the container contract.

    With ``shards`` above 1 a launch fans it out, see ml.pipeline.fanout: so many children run the program,
    each with its share, and a step of the same name runs ``merge`` over what they made. ``part_of`` and
    ``shard`` are a child's. ``job`` is the kind of job it is on SageMaker: a training job keeps checkpoints
    in S3, may run on spot instances and leaves a model.
    """

    name: str
    program: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    inputs: Mapping[str, Source] = field(default_factory=dict)
    queue: Queue = "cpu"
    cached: bool = True
    deadline_seconds: int = 24 * 3600
    shards: int | ParameterRef = 1
    merge: str = ""
    part_of: str | None = None
    shard: int | None = None
    job: Job = "processing"

    def __post_init__(self) -> None:
        if self.shards != 1 and not self.merge:
            raise ValueError(f"{self.name} has shards, but no program that merges them")


@dataclass(frozen=True)
class NativeStep:
    """A step without a program: the engine calls the handler that is connected to ``kind``."""

    name: str
    kind: NativeKind
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    inputs: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True)
class GateStep:
    """All conditions hold: ``if_passed`` run. Else they are skipped, and the run succeeds all the same."""

    name: str
    conditions: Sequence[Condition]
    if_passed: tuple[str, ...]


Step = ProgramStep | NativeStep | GateStep


@dataclass(frozen=True)
class Recipe:
    """A named set of parameter values; what it leaves out keeps the parameter's default."""

    name: str
    summary: str
    values: Mapping[str, ParameterValue]


@dataclass(frozen=True)
class Pipeline:
    """``inputs`` names the run inputs it needs. Steps stand in an order in which they can run.

    ``shares`` are groups of parameters that must add up to 1. ``portable``: its programs may run away from
    this installation, too.
    """

    name: str
    parameters: tuple[Parameter, ...]
    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    recipes: tuple[Recipe, ...] = ()
    default_recipe: str = ""
    shares: tuple[tuple[str, ...], ...] = ()
    portable: bool = True

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def parameter(self, name: str) -> Parameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def recipe(self, name: str) -> Recipe:
        return next(recipe for recipe in self.recipes if recipe.name == name)


def needs(step: Step) -> tuple[str, ...]:
    """Names of the steps that must have succeeded before this one, in order of appearance."""
    if isinstance(step, GateStep):
        names = [condition.left.step for condition in step.conditions]
    else:
        names = [source.step for source in step.inputs.values() if isinstance(source, StepOutput)]
    return tuple(dict.fromkeys(names))
