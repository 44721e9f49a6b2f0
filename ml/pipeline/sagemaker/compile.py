"""Our pipeline as the Pipelines JSON: the same steps under the labs' names, driven by SageMaker itself.

A pure function: the same pipeline, run and target give the same text, in which nothing is uploaded, timed
or drawn at random. So the service's cache finds a step again, and a person can read what changed. Every
parameter reaches the steps that use it as a reference, never as the value it had when this was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml.pipeline.definition import (
    Comparison,
    Condition,
    GateStep,
    NativeStep,
    ParameterRef,
    ParameterValue,
    Pipeline,
    ProgramStep,
    RunInput,
    Source,
    Step,
)
from ml.pipeline.resolve import as_string
from ml.pipeline.sagemaker import jobs
from ml.pipeline.sagemaker.parameters import (
    DEPLOY_COUNT,
    DEPLOY_TYPE,
    FEATURE_STORE,
    INPUT,
    INPUT_MODE,
    PROCESSING_COUNT,
    PROCESSING_TYPE,
    TRAIN_COUNT,
    TRAIN_TYPE,
    TRAIN_VOLUME,
    Machines,
    definitions,
    get,
    joined,
    parameter_values,
    pascal,
    reference,
    text_reference,
)
from ml.pipeline.sagemaker.serving import CONTENT_TYPES

__all__ = ["STEP_NAMES", "Machines", "NotCompilable", "Target", "parameter_values", "pipeline_definition"]

VERSION = "2020-12-01"
STEP_NAMES: Mapping[str, str] = {
    "prepare": "Processing",
    "train": "Train",
    "evaluate": "EvaluateModel",
    "gate": "AccuracyCondition",
    "register": "RegisterModel",
}
CREATE = "CreateModel"
ONE_HOUR = "PT1H"
_CONDITIONS: Mapping[Comparison, str] = {
    ">=": "GreaterThanOrEqualTo",
    ">": "GreaterThan",
    "<=": "LessThanOrEqualTo",
    "<": "LessThan",
}


class NotCompilable(ValueError):
    """The pipeline asks for something that SageMaker's pipelines have no form for."""


@dataclass(frozen=True)
class Target:
    """Where the pipeline runs. ``code`` maps each program to its bundle's address, ``output_uri`` is the
    prefix below which every execution has a directory of its own. ``cache`` is how long a step's earlier
    work may be used again (ISO 8601), "" for never."""

    input_data: str
    code: Mapping[str, str]
    output_uri: str
    role_arn: str
    processing_image: str
    training_image: str
    serving_image: str
    package_group: str
    machines: Machines = field(default_factory=Machines)
    cache: str = ONE_HOUR
    spot: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def pipeline_definition(
    pipeline: Pipeline, target: Target, values: Mapping[str, ParameterValue] | None = None
) -> dict[str, Any]:
    """``values`` are a run's parameters, taken as defaults; without them the labs' are."""
    return {
        "Version": VERSION,
        "Metadata": {},
        "Parameters": definitions(pipeline, values, target.machines, target.input_data),
        "PipelineExperimentConfig": {
            "ExperimentName": get("Execution.PipelineName"),
            "TrialName": get("Execution.PipelineExecutionId"),
        },
        "Steps": _Compiler(pipeline, target).steps(),
    }


def step_name(step: str) -> str:
    return STEP_NAMES.get(step) or pascal(step)


class _Compiler:
    def __init__(self, pipeline: Pipeline, target: Target) -> None:
        self._pipeline = pipeline
        self._target = target

    def steps(self) -> list[dict[str, Any]]:
        """What a gate lets through stands inside the gate's step."""
        gates = [step for step in self._pipeline.steps if isinstance(step, GateStep)]
        behind = {name for gate in gates for name in gate.if_passed}
        return [made for step in self._pipeline.steps if step.name not in behind for made in self._step(step)]

    def _step(self, step: Step) -> list[dict[str, Any]]:
        if isinstance(step, GateStep):
            return [self._gate(step)]
        if isinstance(step, NativeStep):
            return self._register(step)
        return [self._training(step) if step.job == "training" else self._processing(step)]

    def _processing(self, step: ProgramStep) -> dict[str, Any]:
        target = self._target
        inputs = {jobs.CODE: (target.code[step.program], f"{jobs.PROCESSING_ROOT}/{jobs.CODE}")}
        for name, source in step.inputs.items():
            inputs[name] = (self._source(source), f"{jobs.PROCESSING_ROOT}/input/{name}")
        arguments = self._arguments(step)
        if step.merge:
            arguments |= {name: get(f"Parameters.{label}") for label, name in FEATURE_STORE.items()}
        words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
        made = {
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": get(f"Parameters.{PROCESSING_TYPE}"),
                    # Only what can be divided runs on several; the rest would do the same work again.
                    "InstanceCount": get(f"Parameters.{PROCESSING_COUNT}") if step.merge else 1,
                    "VolumeSizeInGB": target.machines.processing_volume_gb,
                }
            },
            "AppSpecification": {
                "ImageUri": target.processing_image,
                "ContainerEntrypoint": ["python3", f"{jobs.PROCESSING_ROOT}/{jobs.CODE}/start.py"],
                "ContainerArguments": [step.program, *words],
            },
            "ProcessingInputs": [jobs.processing_input(name, *place) for name, place in inputs.items()],
            "ProcessingOutputConfig": {"Outputs": [jobs.processing_output(self._output(step.name))]},
            **self._common(step),
        }
        files = self._property_files(step.name)
        properties = {"PropertyFiles": files} if files else {}
        return self._made(step, "Processing", made) | properties

    def _training(self, step: ProgramStep) -> dict[str, Any]:
        target = self._target
        channels = {jobs.CODE: target.code[step.program]}
        channels |= {name: self._source(source) for name, source in step.inputs.items()}
        mode = get(f"Parameters.{INPUT_MODE}")
        made: dict[str, Any] = {
            "AlgorithmSpecification": {
                "TrainingImage": target.training_image,
                "TrainingInputMode": mode,
                "ContainerEntrypoint": ["python3", f"{jobs.TRAINING_INPUT}/{jobs.CODE}/start.py"],
                "ContainerArguments": [step.program],
                "MetricDefinitions": jobs.metric_definitions(),
            },
            "HyperParameters": self._arguments(step),
            "InputDataConfig": [
                jobs.training_channel(name, uri, jobs.FILE if name == jobs.CODE else mode)
                for name, uri in channels.items()
            ],
            "OutputDataConfig": {"S3OutputPath": self._output(step.name)},
            "ResourceConfig": {
                "InstanceType": get(f"Parameters.{TRAIN_TYPE}"),
                "InstanceCount": get(f"Parameters.{TRAIN_COUNT}"),
                "VolumeSizeInGB": get(f"Parameters.{TRAIN_VOLUME}"),
            },
            **self._common(step),
        }
        if target.spot:
            made |= self._spot(step)
        return self._made(step, "Training", made)

    def _spot(self, step: ProgramStep) -> dict[str, Any]:
        """Checkpoints only here: their address belongs to one execution, and would keep the service from
        finding an earlier training again."""
        seconds = step.deadline_seconds
        return {
            "EnableManagedSpotTraining": True,
            "CheckpointConfig": {
                "S3Uri": self._below(step.name, "checkpoints"),
                "LocalPath": jobs.CHECKPOINTS,
            },
            "StoppingCondition": {
                "MaxRuntimeInSeconds": seconds,
                "MaxWaitTimeInSeconds": seconds + jobs.SPOT_PATIENCE,
            },
        }

    def _gate(self, step: GateStep) -> dict[str, Any]:
        passed = [made for name in step.if_passed for made in self._step(self._pipeline.step(name))]
        return {
            "Name": step_name(step.name),
            "Type": "Condition",
            "Arguments": {
                "Conditions": [self._condition(each) for each in step.conditions],
                "IfSteps": passed,
                "ElseSteps": [],
            },
        }

    def _condition(self, condition: Condition) -> dict[str, Any]:
        left, right = condition.left, condition.right
        step = self._pipeline.step(left.step)
        if not isinstance(step, ProgramStep) or step.job != "processing":
            raise NotCompilable(f"A gate can only read a file of a processing job, not of {left.step}.")
        file = f"Steps.{step_name(left.step)}.PropertyFiles.{property_file(left.file)}"
        return {
            "Type": _CONDITIONS[condition.comparison],
            "LeftValue": {"Std:JsonGet": {"PropertyFile": get(file), "Path": left.path}},
            "RightValue": (
                reference(self._pipeline, right.name) if isinstance(right, ParameterRef) else right
            ),
        }

    def _register(self, step: NativeStep) -> list[dict[str, Any]]:
        if step.kind != "register":
            raise NotCompilable(f"A step of the kind {step.kind} runs here only.")
        target = self._target
        container = {"Image": target.serving_image, "ModelDataUrl": self._source(step.inputs["model"])}
        status = step.arguments.get("model_approval_status", "PendingManualApproval")
        package: dict[str, Any] = {
            "ModelPackageGroupName": target.package_group,
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": list(CONTENT_TYPES),
                "SupportedResponseMIMETypes": list(CONTENT_TYPES),
                "SupportedRealtimeInferenceInstanceTypes": [get(f"Parameters.{DEPLOY_TYPE}")],
                "SupportedTransformInstanceTypes": [get(f"Parameters.{DEPLOY_TYPE}")],
            },
            "ModelApprovalStatus": self._value(status),
            "CustomerMetadataProperties": {
                DEPLOY_TYPE: get(f"Parameters.{DEPLOY_TYPE}"),
                DEPLOY_COUNT: joined("", get(f"Parameters.{DEPLOY_COUNT}")),
            },
        }
        if (evaluation := step.inputs.get("evaluation")) is not None:
            report = joined("/", self._source(evaluation), "evaluation.json")
            statistics = {"ContentType": "application/json", "S3Uri": report}
            package["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
        model = {"ExecutionRoleArn": target.role_arn, "PrimaryContainer": dict(container)}
        return [
            {"Name": step_name(step.name), "Type": "RegisterModel", "Arguments": package},
            {"Name": CREATE, "Type": "Model", "Arguments": model},
        ]

    def _arguments(self, step: ProgramStep) -> dict[str, Any]:
        return {name: self._value(value) for name, value in step.arguments.items()}

    def _value(self, argument: ParameterValue | ParameterRef) -> Any:
        if isinstance(argument, ParameterRef):
            return text_reference(self._pipeline, argument.name)
        return as_string(argument)

    def _source(self, source: Source) -> Any:
        if isinstance(source, RunInput):
            return get(f"Parameters.{INPUT}")
        step = self._pipeline.step(source.step)
        name = step_name(source.step)
        if isinstance(step, ProgramStep) and step.job == "training":
            if source.path != "model":
                raise NotCompilable(f"Of {name} only its model can be handed on, not {source.path or 'all'}.")
            return get(f"Steps.{name}.ModelArtifacts.S3ModelArtifacts")
        output = f"Steps.{name}.ProcessingOutputConfig.Outputs['{jobs.OUTPUT}'].S3Output.S3Uri"
        return joined("/", get(output), source.path) if source.path else get(output)

    def _output(self, step: str) -> dict[str, Any]:
        return self._below(step, jobs.OUTPUT)

    def _below(self, step: str, *parts: str) -> dict[str, Any]:
        execution = get("Execution.PipelineExecutionId")
        return joined("/", self._target.output_uri.rstrip("/"), execution, step_name(step), *parts)

    def _property_files(self, step: str) -> list[dict[str, str]]:
        """Those that a gate reads."""
        gates = [each for each in self._pipeline.steps if isinstance(each, GateStep)]
        read = (condition.left for gate in gates for condition in gate.conditions)
        files = dict.fromkeys(left.file for left in read if left.step == step)
        return [
            {"PropertyFileName": property_file(file), "OutputName": jobs.OUTPUT, "FilePath": file}
            for file in files
        ]

    def _common(self, step: ProgramStep) -> dict[str, Any]:
        target = self._target
        common: dict[str, Any] = {
            "RoleArn": target.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": step.deadline_seconds},
        }
        if target.environment:
            common["Environment"] = dict(target.environment)
        if target.tags:
            common["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(target.tags.items())]
        return common

    def _made(self, step: ProgramStep, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"Name": step_name(step.name), "Type": kind, "Arguments": arguments}
        if self._target.cache and step.cached:
            made["CacheConfig"] = {"Enabled": True, "ExpireAfter": self._target.cache}
        return made


def property_file(path: str) -> str:
    """``evaluation.json`` → ``Evaluation``."""
    return pascal(path.rpartition("/")[2].partition(".")[0])
