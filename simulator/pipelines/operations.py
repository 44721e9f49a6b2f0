"""Pipelines and their executions, as requests ask for them."""

from typing import Any

from botocore.exceptions import ClientError

from simulator.core import (
    Answer,
    AwsError,
    Request,
    State,
    invalid,
    listed,
    not_found,
    now,
    operation,
    paged,
    remember_tags,
)
from simulator.pipelines.definition import parsed
from simulator.pipelines.execution import Execution

# --- pipelines --------------------------------------------------------------------------------------


def find(state: State, name: str) -> dict[str, Any]:
    """By name or ARN."""
    short = name.rpartition("/")[2]
    for record in state.table("pipeline").values():
        if short in (record["PipelineName"], record["PipelineName"].lower()):
            return record  # type: ignore[no-any-return]
    raise not_found(f"Pipeline '{_arn(state, short)}' does not exist.")


def _arn(state: State, name: str) -> str:
    return state.arn("pipeline", name.lower())


def _text(state: State, request: Request) -> str:
    text, place = request.get("PipelineDefinition"), request.get("PipelineDefinitionS3Location")
    if (text is None) == (place is None):
        raise invalid("Exactly one of PipelineDefinition and PipelineDefinitionS3Location is required")
    if place is None:
        return str(text)
    try:
        stored = state.s3.get_object(Bucket=place["Bucket"], Key=place["ObjectKey"])
    except ClientError as error:
        raise invalid(f"Unable to read the pipeline definition from S3: {error}") from None
    return stored["Body"].read().decode()  # type: ignore[no-any-return]


@operation("CreatePipeline")
def create_pipeline(state: State, request: Request) -> Answer:
    name, text = request["PipelineName"], _text(state, request)
    definition = parsed(text)
    with state.lock:
        known = state.table("pipeline").get(name)
        if known:
            if known["token"] == request["ClientRequestToken"]:
                return {"PipelineArn": known["PipelineArn"]}
            words = "Pipeline names must be unique within an AWS account and region. Pipeline with name"
            raise invalid(f"{words} ({name}) already exists.")
        arn, moment = _arn(state, name), now()
        state.table("pipeline")[name] = {
            "PipelineName": name,
            "PipelineArn": arn,
            "PipelineDisplayName": request.get("PipelineDisplayName", name),
            "PipelineDescription": request.get("PipelineDescription"),
            "RoleArn": request["RoleArn"],
            "ParallelismConfiguration": request.get("ParallelismConfiguration"),
            "PipelineDefinition": text,
            "CreationTime": moment,
            "LastModifiedTime": moment,
            "definition": definition,
            "token": request["ClientRequestToken"],
        }
        remember_tags(state, arn, request)
    return {"PipelineArn": arn}


@operation("UpdatePipeline")
def update_pipeline(state: State, request: Request) -> Answer:
    with state.lock:
        record = find(state, request["PipelineName"])
        changes: dict[str, Any] = {
            name: request[name]
            for name in ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")
            if name in request
        }
        if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
            text = _text(state, request)
            changes.update(PipelineDefinition=text, definition=parsed(text))
        record.update(changes, LastModifiedTime=now())
        return {"PipelineArn": record["PipelineArn"]}


@operation("DescribePipeline")
def describe_pipeline(state: State, request: Request) -> Answer:
    with state.lock:
        record = find(state, request["PipelineName"])
        started = [each.created for each in _executions(state, record)]
        shown = {name: value for name, value in record.items() if name[0].isupper() and value is not None}
        return {
            **shown,
            "PipelineStatus": "Active",
            "CreatedBy": {},
            "LastModifiedBy": {},
            **({"LastRunTime": max(started)} if started else {}),
        }


@operation("DeletePipeline")
def delete_pipeline(state: State, request: Request) -> Answer:
    with state.lock:
        record = find(state, request["PipelineName"])
        running = [each for each in _executions(state, record) if each.status in ("Executing", "Stopping")]
        if running:
            raise AwsError("ConflictException", f"Pipeline '{record['PipelineArn']}' has running executions.")
        del state.table("pipeline")[record["PipelineName"]]
        return {"PipelineArn": record["PipelineArn"]}


@operation("ListPipelines")
def list_pipelines(state: State, request: Request) -> Answer:
    shown = (
        "PipelineArn",
        "PipelineName",
        "PipelineDisplayName",
        "PipelineDescription",
        "RoleArn",
        "CreationTime",
        "LastModifiedTime",
    )
    with state.lock:
        items = [
            (name, {key: record[key] for key in shown if record[key] is not None})
            for name, record in state.table("pipeline").items()
            if name.startswith(request.get("PipelineNamePrefix", ""))
        ]
    return listed(items, {**request, **_created(request)}, "PipelineSummaries")


def _created(request: Request) -> Request:
    """Pipelines call the filter CreatedAfter where jobs call it CreationTimeAfter."""
    names = {"CreatedAfter": "CreationTimeAfter", "CreatedBefore": "CreationTimeBefore"}
    return {there: request[here] for here, there in names.items() if here in request}


# --- executions -------------------------------------------------------------------------------------


def _executions(state: State, pipeline: dict[str, Any]) -> list[Execution]:
    return [
        each
        for each in state.table("pipeline-execution").values()
        if each.pipeline["PipelineArn"] == pipeline["PipelineArn"]
    ]


def execution(state: State, arn: str) -> Execution:
    found = state.table("pipeline-execution").get(arn)
    if found is None:
        raise not_found(f"Pipeline execution '{arn}' does not exist.")
    return found  # type: ignore[no-any-return]


@operation("StartPipelineExecution")
def start(state: State, request: Request) -> Answer:
    if "SelectiveExecutionConfig" in request:
        raise invalid("The simulator does not know selective execution")
    with state.lock:
        pipeline = find(state, request["PipelineName"])
        for each in _executions(state, pipeline):
            if each.request["ClientRequestToken"] == request["ClientRequestToken"]:
                return {"PipelineExecutionArn": each.arn}
        begun = Execution(state, pipeline, request)
        state.table("pipeline-execution")[begun.arn] = begun
    begun.start()
    return {"PipelineExecutionArn": begun.arn}


@operation("DescribePipelineExecution")
def describe_execution(state: State, request: Request) -> Answer:
    with state.lock:
        each = execution(state, request["PipelineExecutionArn"])
        optional = {
            "FailureReason": each.reason or None,
            "PipelineExecutionDescription": each.request.get("PipelineExecutionDescription"),
            "ParallelismConfiguration": each.request.get("ParallelismConfiguration"),
        }
        return {
            "PipelineArn": each.pipeline["PipelineArn"],
            "PipelineExecutionArn": each.arn,
            "PipelineExecutionDisplayName": _display_name(each),
            "PipelineExecutionStatus": each.status,
            "CreationTime": each.created,
            "LastModifiedTime": each.changed,
            "CreatedBy": {},
            "LastModifiedBy": {},
            **{name: value for name, value in optional.items() if value is not None},
        }


def _display_name(each: Execution) -> str:
    name = each.request.get("PipelineExecutionDisplayName")
    return str(name) if name else f"execution-{int(each.created.timestamp() * 1000)}"


@operation("ListPipelineExecutions")
def list_executions(state: State, request: Request) -> Answer:
    with state.lock:
        items = [
            (each.arn, _summary(each)) for each in _executions(state, find(state, request["PipelineName"]))
        ]
    sorting = {"SortBy": "Name"} if request.get("SortBy") == "PipelineExecutionArn" else {}
    words = {**request, **_created(request), **sorting}
    return listed(items, words, "PipelineExecutionSummaries", created="StartTime")


def _summary(each: Execution) -> Answer:
    return {
        "PipelineExecutionArn": each.arn,
        "StartTime": each.created,
        "PipelineExecutionStatus": each.status,
        "PipelineExecutionDisplayName": _display_name(each),
        **({"PipelineExecutionFailureReason": each.reason} if each.reason else {}),
    }


@operation("ListPipelineExecutionSteps")
def list_steps(state: State, request: Request) -> Answer:
    with state.lock:
        each = execution(state, request["PipelineExecutionArn"])
        steps = [run.summary(each.definition.steps[run.name]) for run in each.runs.values()]
    steps.sort(key=lambda step: step["StartTime"], reverse=request.get("SortOrder") != "Ascending")
    return paged(steps, request, "PipelineExecutionSteps")


@operation("DescribePipelineDefinitionForExecution")
def definition_of(state: State, request: Request) -> Answer:
    with state.lock:
        each = execution(state, request["PipelineExecutionArn"])
        return {"PipelineDefinition": each.pipeline["PipelineDefinition"], "CreationTime": each.created}


@operation("ListPipelineParametersForExecution")
def parameters_of(state: State, request: Request) -> Answer:
    with state.lock:
        given = execution(state, request["PipelineExecutionArn"]).given
    return paged(given, request, "PipelineParameters")


@operation("StopPipelineExecution")
def stop(state: State, request: Request) -> Answer:
    with state.lock:
        execution(state, request["PipelineExecutionArn"]).stop()
    return {"PipelineExecutionArn": request["PipelineExecutionArn"]}


@operation("RetryPipelineExecution")
def retry(state: State, request: Request) -> Answer:
    with state.lock:
        execution(state, request["PipelineExecutionArn"]).retry()
    return {"PipelineExecutionArn": request["PipelineExecutionArn"]}
