"""What the steps of a pipeline do: they make the same requests that anyone else could make.

A step's request is checked against the service model as one that came from outside, and meets the same faults
and quotas; what the step's describe operation answers are the properties that later steps refer to.
"""

import json
import secrets
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any

from simulator import validation
from simulator.core import OPERATIONS, AwsError, State
from simulator.pipelines.definition import Step
from simulator.pipelines.expressions import Scope, holds, resolve

POLL_SECONDS = 0.1
ALPHANUMERIC = string.ascii_letters + string.digits
# The attributes that decide whether a step's earlier work may be used again: so says AWS's documentation.
CACHED_BY = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
}


class StepFailed(Exception):
    """The reason is what ListPipelineExecutionSteps shows."""

    def __init__(self, reason: str, metadata: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.metadata = dict(metadata or {})


class StepStopped(Exception):
    """The execution was asked to stop, and what the step had started has stopped."""


@dataclass
class Context:
    """What a step knows of its execution."""

    state: State
    step: Step
    scope: Scope
    execution_id: str
    execution_arn: str
    role_arn: str
    stopping: Event
    tell: Callable[[Mapping[str, Any]], None]
    """Shows the step's metadata as soon as there is any, so that who lists the steps finds the job."""

    def arguments(self) -> dict[str, Any]:
        return dict(resolve(self.step.arguments, self.scope))

    def name(self) -> str:
        """pipelines-<execution>-<step>-<ten characters>, as the service names what it makes."""
        random = "".join(secrets.choice(ALPHANUMERIC) for _ in range(10))
        return f"pipelines-{self.execution_id}-{self.step.name[:29].rstrip('-')}-{random}"


@dataclass(frozen=True)
class Done:
    metadata: Mapping[str, Any]
    properties: Mapping[str, Any]


def call(state: State, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """An operation of SageMaker as if it had come from outside."""
    fault = state.faults.take(name, json.dumps(request, default=str))
    try:
        if fault:
            raise AwsError(fault.code, fault.text, fault.status)
        checked = validation.check_request("sagemaker", name, request)
        return OPERATIONS["sagemaker", name].handler(state, checked)
    except AwsError as error:
        words = f"ClientError: Failed to invoke sagemaker:{name}. Error Details: {error.message}"
        raise StepFailed(words) from None


# --- jobs -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    kind: str
    """ProcessingJob or TrainingJob: what all the operations' and members' names are made of."""

    @property
    def name(self) -> str:
        return f"{self.kind}Name"

    @property
    def status(self) -> str:
        return f"{self.kind}Status"

    @property
    def arn(self) -> str:
        return f"{self.kind}Arn"


def job(context: Context, kind: Job) -> Done:
    name = context.name()
    request = {"RoleArn": context.role_arn, **context.arguments(), kind.name: name}
    own = {
        "sagemaker:pipeline-execution-arn": context.execution_arn,
        "sagemaker:pipeline-step-name": context.step.name,
    }
    request["Tags"] = [
        *request.get("Tags", []),
        *({"Key": key, "Value": value} for key, value in own.items()),
    ]
    metadata = {kind.kind: {"Arn": call(context.state, f"Create{kind.kind}", request)[kind.arn]}}
    context.tell(metadata)
    described = _ended(context, kind, name)
    if described[kind.status] == "Completed":
        return Done(metadata, described)
    if described[kind.status] == "Stopped" and context.stopping.is_set():
        raise StepStopped
    reason = described.get("FailureReason") or f"The job {name} was stopped"
    raise StepFailed(f"ClientError: {reason}", metadata)


def _ended(context: Context, kind: Job, name: str) -> dict[str, Any]:
    asked = False
    while True:
        described = OPERATIONS["sagemaker", f"Describe{kind.kind}"].handler(context.state, {kind.name: name})
        if described[kind.status] in ("Completed", "Failed", "Stopped"):
            return described
        if context.stopping.is_set() and not asked:
            asked = True
            OPERATIONS["sagemaker", f"Stop{kind.kind}"].handler(context.state, {kind.name: name})
        time.sleep(POLL_SECONDS)


# --- everything else --------------------------------------------------------------------------------


def condition(context: Context) -> Done:
    conditions = context.step.arguments.get("Conditions", [])
    outcome = "True" if all(holds(each, context.scope) for each in conditions) else "False"
    return Done({"Condition": {"Outcome": outcome}}, {"Outcome": outcome})


def register_model(context: Context) -> Done:
    request = context.arguments()
    group = request.get("ModelPackageGroupName", "").rpartition("/")[2]
    if group and group not in context.state.table("model-package-group"):
        # The service makes the group that a step registers in; who asks for it by hand must make it first.
        call(context.state, "CreateModelPackageGroup", {"ModelPackageGroupName": group})
    arn = call(context.state, "CreateModelPackage", request)["ModelPackageArn"]
    described = call(context.state, "DescribeModelPackage", {"ModelPackageName": arn})
    return Done({"RegisterModel": {"Arn": arn}}, described)


def create_model(context: Context) -> Done:
    name = context.name()
    request = {"ExecutionRoleArn": context.role_arn, **context.arguments(), "ModelName": name}
    arn = call(context.state, "CreateModel", request)["ModelArn"]
    return Done({"Model": {"Arn": arn}}, call(context.state, "DescribeModel", {"ModelName": name}))


def fail(context: Context) -> Done:
    message = str(context.arguments().get("ErrorMessage", ""))
    raise StepFailed(message, {"Fail": {"ErrorMessage": message}})


KINDS: dict[str, Callable[[Context], Done]] = {
    "Processing": lambda context: job(context, Job("ProcessingJob")),
    "Training": lambda context: job(context, Job("TrainingJob")),
    "Condition": condition,
    "RegisterModel": register_model,
    "Model": create_model,
    "Fail": fail,
}


def cache_key(context: Context) -> str | None:
    """None for a step that is never taken from earlier work."""
    attributes = CACHED_BY.get(context.step.kind)
    if attributes is None or not context.step.cache.get("Enabled"):
        return None
    arguments = context.arguments()
    return json.dumps([arguments.get(name) for name in attributes], sort_keys=True)
