"""The parameters of a pipeline on SageMaker: ours under the labs' names, and those that only a cloud has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.pipeline.definition import Parameter, ParameterRef, ParameterValue, Pipeline, ProgramStep
from ml.pipeline.resolve import as_string, resolve_parameters

LABS = "labs"  # the recipe whose values are the labs' defaults
INPUT = "InputData"
PROCESSING_COUNT, PROCESSING_TYPE = "ProcessingInstanceCount", "ProcessingInstanceType"
TRAIN_COUNT, TRAIN_TYPE = "TrainInstanceCount", "TrainInstanceType"
TRAIN_VOLUME, INPUT_MODE = "TrainVolumeSize", "InputMode"
DEPLOY_TYPE, DEPLOY_COUNT = "DeployInstanceType", "DeployInstanceCount"
# They stay empty until features are written to SageMaker's feature store; then prepare reads them.
FEATURE_STORE = {
    "FeatureStoreOfflinePrefix": "feature_store_offline_prefix",
    "FeatureGroupName": "feature_group_name",
}
_ACRONYMS = {"f1": "F1"}


@dataclass(frozen=True)
class Machines:
    """What the steps run on unless an execution says otherwise; the defaults are the labs'."""

    processing_type: str = "ml.c5.2xlarge"
    processing_count: int = 1
    processing_volume_gb: int = 30
    training_type: str = "ml.c5.9xlarge"
    training_count: int = 1
    training_volume_gb: int = 256
    serving_type: str = "ml.m5.large"
    serving_count: int = 1


def pascal(name: str) -> str:
    """``max_seq_length`` → ``MaxSeqLength``, as the labs spell it."""
    return "".join(_ACRONYMS.get(part, part.capitalize()) for part in name.split("_"))


def definitions(
    pipeline: Pipeline, values: Mapping[str, ParameterValue] | None, machines: Machines, input_data: str
) -> list[dict[str, Any]]:
    """With the run's ``values`` as defaults, or with the labs' where there are none."""
    known = resolve_parameters(pipeline, {}, _labs(pipeline)) if values is None else values
    own = [
        _of(each, known[each.name]) for each in pipeline.parameters if each.name not in shard_counts(pipeline)
    ]
    clouds: list[tuple[str, str, ParameterValue]] = [
        (INPUT, "String", input_data),
        (PROCESSING_COUNT, "Integer", machines.processing_count),
        (PROCESSING_TYPE, "String", machines.processing_type),
        *((name, "String", "") for name in FEATURE_STORE),
        (TRAIN_COUNT, "Integer", machines.training_count),
        (TRAIN_TYPE, "String", machines.training_type),
        (TRAIN_VOLUME, "Integer", machines.training_volume_gb),
        (INPUT_MODE, "String", "File"),
        (DEPLOY_TYPE, "String", machines.serving_type),
        (DEPLOY_COUNT, "Integer", machines.serving_count),
    ]
    return [{"Name": name, "Type": kind, "DefaultValue": value} for name, kind, value in clouds] + own


def parameter_values(values: Mapping[str, ParameterValue], **more: str) -> list[dict[str, str]]:
    """For StartPipelineExecution. ``more`` are the cloud's own, by their names there (``InputData=…``)."""
    named = {pascal(name): _text(value) for name, value in values.items() if name != "shards"}
    if "shards" in values:
        named[PROCESSING_COUNT] = _text(values["shards"])
    return [{"Name": name, "Value": value} for name, value in sorted({**named, **more}.items())]


def shard_counts(pipeline: Pipeline) -> set[str]:
    """Parameters that say in how many parts a step runs: in the cloud the instances are counted."""
    programs = (step for step in pipeline.steps if isinstance(step, ProgramStep))
    return {step.shards.name for step in programs if isinstance(step.shards, ParameterRef)}


def reference(pipeline: Pipeline, name: str) -> dict[str, Any]:
    return get(f"Parameters.{pascal(pipeline.parameter(name).name)}")


def text_reference(pipeline: Pipeline, name: str) -> dict[str, Any]:
    """Arguments are strings, and the service does not make one of a number by itself."""
    return as_text(reference(pipeline, name), _kind(pipeline.parameter(name)))


def get(path: str) -> dict[str, Any]:
    return {"Get": path}


def joined(separator: str, *values: Any) -> dict[str, Any]:
    return {"Std:Join": {"On": separator, "Values": list(values)}}


def as_text(expression: dict[str, Any], kind: str) -> dict[str, Any]:
    return expression if kind == "String" else joined("", expression)


def _of(parameter: Parameter, value: ParameterValue) -> dict[str, Any]:
    kind = _kind(parameter)
    default = value if kind in ("Integer", "Float") else _text(value)
    definition: dict[str, Any] = {"Name": pascal(parameter.name), "Type": kind, "DefaultValue": default}
    if parameter.choices:
        definition["EnumValues"] = list(parameter.choices)
    return definition


def _kind(parameter: Parameter) -> str:
    """One that takes words beside numbers (``all``) is a string there."""
    if parameter.words or parameter.type in ("text", "boolean"):
        return "String"
    return "Integer" if parameter.type == "integer" else "Float"


def _text(value: ParameterValue) -> str:
    """The labs write True and False; a program reads them in any case."""
    return str(value) if isinstance(value, bool) else as_string(value)


def _labs(pipeline: Pipeline) -> str | None:
    return LABS if any(recipe.name == LABS for recipe in pipeline.recipes) else None
