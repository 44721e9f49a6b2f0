"""Reading a pipeline's definition: what is wrong with it is told when it is created, not when it runs."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.core import AwsError, invalid
from simulator.pipelines.expressions import duration, references

VERSION = "2020-12-01"
KINDS = ("Processing", "Training", "Condition", "RegisterModel", "Model", "Fail")
STEP_NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*")  # as job names, which are made of it
EXECUTION = {"PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn", "StartDateTime"}


@dataclass(frozen=True)
class Step:
    name: str
    kind: str
    raw: Mapping[str, Any]
    needs: frozenset[str]
    """Steps that must have ended before this one begins."""
    branch: tuple[str, str] | None = None
    """The condition step that decides about this one, and the outcome that lets it run."""

    @property
    def arguments(self) -> Any:
        return self.raw.get("Arguments", {})

    @property
    def cache(self) -> Mapping[str, Any]:
        return self.raw.get("CacheConfig") or {}


@dataclass(frozen=True)
class Definition:
    parameters: Mapping[str, Mapping[str, Any]]
    steps: Mapping[str, Step]


def parsed(text: str) -> Definition:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise wrong(f"Could not parse JSON: {error}") from None
    if not isinstance(document, dict) or document.get("Version") != VERSION:
        raise wrong(f"Version must be '{VERSION}'")
    parameters = {each["Name"]: each for each in document.get("Parameters") or []}
    for each in parameters.values():
        _check_parameter(each)
    steps: dict[str, Step] = {}
    for step in _steps(document.get("Steps") or [], None):
        if step.name in steps:
            raise wrong(f"Step name '{step.name}' is used more than once")
        steps[step.name] = step
    if not steps:
        raise wrong("A pipeline needs at least one step")
    definition = Definition(parameters, steps)
    _check_references(definition)
    _check_order(definition)
    return definition


def wrong(message: str) -> AwsError:
    return invalid(f"Unable to parse pipeline definition. {message}")


def _steps(raw: list[Mapping[str, Any]], branch: tuple[str, str] | None) -> Iterator[Step]:
    for each in raw:
        step = _step(each, branch)
        yield step
        if step.kind == "Condition":
            yield from _steps(step.arguments.get("IfSteps") or [], (step.name, "True"))
            yield from _steps(step.arguments.get("ElseSteps") or [], (step.name, "False"))


def _step(raw: Mapping[str, Any], branch: tuple[str, str] | None) -> Step:
    name, kind = str(raw.get("Name", "")), str(raw.get("Type", ""))
    if not STEP_NAME.fullmatch(name) or len(name) > 64:
        raise wrong(f"Step name '{name}' must satisfy regular expression pattern: {STEP_NAME.pattern}")
    if kind not in KINDS:
        raise wrong(f"Step '{name}': the simulator does not know the type '{kind}', only {', '.join(KINDS)}")
    if raw.get("CacheConfig", {}).get("ExpireAfter"):
        duration(raw["CacheConfig"]["ExpireAfter"])
    arguments = dict(raw.get("Arguments") or {})
    if kind == "Condition":  # the branches answer for themselves
        arguments = {"Conditions": arguments.get("Conditions", [])}
    named = {str(path[1]) for path in references(arguments) if path[0] == "Steps" and len(path) > 1}
    above = {branch[0]} if branch else set()
    return Step(name, kind, raw, frozenset({*named, *(raw.get("DependsOn") or []), *above}), branch)


def _check_references(definition: Definition) -> None:
    for step in definition.steps.values():
        for missing in step.needs - set(definition.steps):
            raise wrong(f"Step '{step.name}' refers to the step '{missing}', which is not defined")
        for root, *rest in references(step.arguments):
            if root == "Parameters" and rest[0] not in definition.parameters:
                raise wrong(f"Step '{step.name}' refers to the parameter '{rest[0]}', which is not defined")
            if root == "Execution" and rest[0] not in EXECUTION:
                raise wrong(f"Step '{step.name}' refers to the unknown variable 'Execution.{rest[0]}'")
            if root not in ("Parameters", "Execution", "Steps"):
                raise wrong(f"Step '{step.name}' refers to '{root}'")


def _check_order(definition: Definition) -> None:
    """Take away whatever needs nothing that is left; what stays then goes round in a circle."""
    left = dict(definition.steps)
    while free := [name for name, step in left.items() if not step.needs & set(left)]:
        for name in free:
            del left[name]
    if left:
        raise wrong(f"The steps {', '.join(sorted(left))} depend on each other in a circle")


# --- parameters -------------------------------------------------------------------------------------


def _check_parameter(parameter: Mapping[str, Any]) -> None:
    name, kind = parameter["Name"], parameter.get("Type")
    if kind not in READ:
        raise wrong(f"Parameter '{name}' has the unknown type '{kind}'")
    if "DefaultValue" in parameter:
        default = parameter["DefaultValue"]
        value(parameter, default if isinstance(default, str) else json.dumps(default))


def values(definition: Definition, given: list[Mapping[str, str]]) -> dict[str, Any]:
    """The parameters of an execution: what was given, read by its type, else the default."""
    overrides = {each["Name"]: each["Value"] for each in given}
    for name in overrides:
        if name not in definition.parameters:
            raise invalid(f"Unable to start pipeline execution. Parameter '{name}' is not defined")
    found = {}
    for name, parameter in definition.parameters.items():
        if name in overrides:
            found[name] = value(parameter, overrides[name])
        elif "DefaultValue" in parameter:
            found[name] = parameter["DefaultValue"]
        else:
            raise invalid(f"Unable to start pipeline execution. Parameter '{name}' needs a value")
    return found


def value(parameter: Mapping[str, Any], text: str) -> Any:
    name, kind = parameter["Name"], parameter["Type"]
    try:
        read = READ[kind](text)
    except ValueError:
        raise invalid(f"Parameter '{name}' must be of type {kind}, but its value is '{text}'") from None
    allowed = parameter.get("EnumValues")
    if allowed and read not in allowed:
        raise invalid(f"Parameter '{name}' must be one of {allowed}, but its value is '{text}'")
    return read


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


READ: dict[str, Any] = {"String": str, "Integer": int, "Float": float, "Boolean": _boolean}
