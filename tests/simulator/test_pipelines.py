"""Pipelines: real jobs from step to step, conditions, cache, stop and retry, driven by boto3."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.programs.cloud import Simulator
from tests.simulator.pipelines import (
    LOCAL,
    SLEEP,
    create,
    document,
    ended,
    get,
    labs_pipeline,
    processing,
    start,
    steps_of,
)


@pytest.fixture
def place(simulator: Simulator) -> str:
    return f"s3://{simulator.new_bucket()}"


def ready(simulator: Simulator, place: str) -> str:
    """Answers where the input lies."""
    return simulator.put(f"{place}/data/ready", "").removesuffix("/ready")


def statuses(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: step["StepStatus"] for name, step in steps.items()}


def test_parameters_and_properties_reach_the_steps_and_the_condition_registers(
    simulator: Simulator, place: str
) -> None:
    name = labs_pipeline(simulator, "whole", place)
    client = simulator.client("sagemaker")
    data = ready(simulator, place)
    arn = start(simulator, name, InputData=data, MaxSeqLength="64", Accuracy="0.875", Balance="false")
    assert ended(simulator, arn)["PipelineExecutionStatus"] == "Succeeded", steps_of(simulator, arn)
    steps = steps_of(simulator, arn)
    assert list(steps)[::-1][:4] == ["Processing", "Train", "EvaluateModel", "AccuracyCondition"]
    assert set(statuses(steps).values()) == {"Succeeded"}
    assert "TooBad" not in steps

    report = json.loads(simulator.read(f"{place}/EvaluateModel/evaluation.json"))
    assert report["model"] == {"rows": ["64", "false"], "given": {"accuracy": "0.875"}}
    assert steps["AccuracyCondition"]["Metadata"] == {"Condition": {"Outcome": "True"}}

    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    assert job.startswith(f"pipelines-{arn.rpartition('/')[2]}-Train-")
    trained = client.describe_training_job(TrainingJobName=job)
    assert trained["AlgorithmSpecification"]["TrainingInputMode"] == "File"
    assert {"Key": "sagemaker:pipeline-execution-arn", "Value": arn} in client.list_tags(
        ResourceArn=trained["TrainingJobArn"]
    )["Tags"]

    package = client.describe_model_package(
        ModelPackageName=steps["RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    )
    assert package["ModelPackageGroupName"] == "group-whole"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    data_url = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    assert data_url == trained["ModelArtifacts"]["S3ModelArtifacts"]
    model = client.describe_model(
        ModelName=steps["CreateModel"]["Metadata"]["Model"]["Arn"].rpartition("/")[2]
    )
    assert model["PrimaryContainer"]["ModelDataUrl"] == data_url

    given = client.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert {"Name": "MaxSeqLength", "Value": "64"} in given
    meant = client.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert meant["PipelineDefinition"] == client.describe_pipeline(PipelineName=name)["PipelineDefinition"]


def test_what_was_done_within_the_hour_is_not_done_again_and_too_little_accuracy_fails(
    simulator: Simulator, place: str
) -> None:
    name = labs_pipeline(simulator, "cached", place)
    data = ready(simulator, place)
    first = start(simulator, name, InputData=data)
    assert ended(simulator, first)["PipelineExecutionStatus"] == "Succeeded"
    second = start(simulator, name, InputData=data, MinAccuracyValue="0.9")
    assert ended(simulator, second)["FailureReason"] == "Step failure: One or multiple steps failed."
    before, after = steps_of(simulator, first), steps_of(simulator, second)
    for step in ("Processing", "Train"):
        assert after[step]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
        assert after[step]["Metadata"] == before[step]["Metadata"]
        assert after[step]["AttemptCount"] == 0
    assert "CacheHitResult" not in after["EvaluateModel"]
    assert after["AccuracyCondition"]["Metadata"]["Condition"]["Outcome"] == "False"
    assert after["TooBad"]["FailureReason"] == "Accuracy is not 0.9"
    assert not {"RegisterModel", "CreateModel"} & set(after)

    other = start(simulator, name, InputData=data, Accuracy="0.75")
    assert ended(simulator, other)["PipelineExecutionStatus"] == "Succeeded"
    steps = steps_of(simulator, other)
    assert "CacheHitResult" in steps["Processing"]
    assert "CacheHitResult" not in steps["Train"]


def test_a_failed_step_ends_the_execution_with_its_reason_and_a_retry_goes_on_there(
    simulator: Simulator, place: str
) -> None:
    name = labs_pipeline(simulator, "failing", place)
    simulator.put(f"{place}/data/other", "")
    arn = start(simulator, name, InputData=f"{place}/data")
    assert ended(simulator, arn)["PipelineExecutionStatus"] == "Failed"
    steps = steps_of(simulator, arn)
    assert statuses(steps) == {"Processing": "Failed"}
    assert steps["Processing"]["FailureReason"].startswith("ClientError: AlgorithmError")
    ready(simulator, place)
    client = simulator.client("sagemaker")
    client.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=str(uuid.uuid4()))
    assert ended(simulator, arn)["PipelineExecutionStatus"] == "Succeeded"
    steps = steps_of(simulator, arn)
    assert (steps["Processing"]["AttemptCount"], steps["Train"]["AttemptCount"]) == (2, 1)
    assert "FailureReason" not in steps["Processing"]
    with pytest.raises(ClientError, match="status Succeeded; only executions that Failed"):
        client.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=str(uuid.uuid4()))


def sleeping(simulator: Simulator, name: str, place: str) -> str:
    step = processing(simulator, "Sleep", SLEEP, inputs={}, out=place)
    return create(simulator, name, document([step]))


def test_a_stopped_execution_stops_its_job(simulator: Simulator, place: str) -> None:
    sleeping(simulator, "stopping", place)
    client = simulator.client("sagemaker")
    arn = start(simulator, "stopping")
    steps = simulator.until(
        lambda: steps_of(simulator, arn), lambda found: found.get("Sleep", {}).get("Metadata")
    )
    job = steps["Sleep"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    simulator.until(lambda: simulator.log_lines("processing", job), lambda lines: "asleep" in lines)
    with pytest.raises(ClientError, match="ConflictException"):
        client.delete_pipeline(PipelineName="stopping", ClientRequestToken=str(uuid.uuid4()))
    client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=str(uuid.uuid4()))
    assert ended(simulator, arn)["PipelineExecutionStatus"] == "Stopped"
    assert statuses(steps_of(simulator, arn)) == {"Sleep": "Stopped"}
    assert simulator.job("processing", job)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="status Stopped; only executions that are Executing"):
        client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=str(uuid.uuid4()))
    client.delete_pipeline(PipelineName="stopping", ClientRequestToken=str(uuid.uuid4()))
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_pipeline(PipelineName="stopping")


def test_a_quota_is_met_inside_of_a_pipeline_too(simulator: Simulator, place: str) -> None:
    sleeping(simulator, "greedy", place)
    simulator.fail("CreateProcessingJob", "ResourceLimitExceeded", message="The limit is 0 Instances.")
    arn = start(simulator, "greedy")
    assert ended(simulator, arn)["PipelineExecutionStatus"] == "Failed"
    reason = steps_of(simulator, arn)["Sleep"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateProcessingJob.")
    assert reason.endswith("The limit is 0 Instances.")


def test_a_request_that_is_sent_again_starts_nothing_again(simulator: Simulator) -> None:
    fail = {"Name": "Fail", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    create(simulator, "once", document([fail]))
    client = simulator.client("sagemaker")
    token = "t" * 32
    arns = {
        client.start_pipeline_execution(PipelineName="once", ClientRequestToken=token)["PipelineExecutionArn"]
        for _ in range(3)
    }
    assert len(arns) == 1
    listed = client.list_pipeline_executions(PipelineName="once")["PipelineExecutionSummaries"]
    assert [each["PipelineExecutionArn"] for each in listed] == list(arns)
    assert ended(simulator, arns.pop())["PipelineExecutionStatus"] == "Failed"


def test_a_pipeline_is_made_once_and_then_updated(simulator: Simulator) -> None:
    fail = {"Name": "Fail", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    arn = create(simulator, "Twice", document([fail]))
    with pytest.raises(ClientError, match="must be unique within an AWS account and region"):
        create(simulator, "Twice", document([fail]))
    client = simulator.client("sagemaker")
    changed = document([{**fail, "Name": "Other"}])
    client.update_pipeline(PipelineName="Twice", PipelineDefinition=changed)
    assert client.describe_pipeline(PipelineName=arn)["PipelineDefinition"] == changed
    names = [
        each["PipelineName"] for each in client.list_pipelines(PipelineNamePrefix="Tw")["PipelineSummaries"]
    ]
    assert names == ["Twice"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"MaxSeqLength": "long"}, "'MaxSeqLength' must be of type Integer"),
        ({"Balance": "maybe"}, "'Balance' must be of type Boolean"),
        ({"Mode": "Pipe"}, "'Mode' must be one of"),
        ({"Unknown": "1"}, "'Unknown' is not defined"),
        ({}, "'InputData' needs a value"),
    ],
)
def test_parameters_are_checked_by_their_type(simulator: Simulator, value: dict[str, str], said: str) -> None:
    name = "checked"
    client = simulator.client("sagemaker")
    if not client.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]:
        labs_pipeline(simulator, name, f"s3://{simulator.new_bucket()}")
    with pytest.raises(ClientError, match=said):
        start(simulator, name, **({"InputData": "s3://b/x", **value} if value else value))


FAIL = {"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ("{", "Could not parse JSON"),
        (json.dumps({"Version": "1", "Steps": []}), "Version must be"),
        (document([]), "at least one step"),
        (document([FAIL, FAIL]), "used more than once"),
        (document([{**FAIL, "Type": "Lambda"}]), "does not know the type 'Lambda'"),
        (document([{**FAIL, "DependsOn": ["B"]}]), "refers to the step 'B'"),
        (document([{**FAIL, "Arguments": {"ErrorMessage": get("Parameters.P")}}]), "the parameter 'P'"),
        (document([{**FAIL, "DependsOn": ["B"]}, {**FAIL, "Name": "B", "DependsOn": ["A"]}]), "in a circle"),
        (
            document([FAIL], [{"Name": "P", "Type": "Integer", "DefaultValue": "x"}]),
            "must be of type Integer",
        ),
    ],
    ids=lambda value: value.split()[0] if len(value) < 40 else "definition",
)
def test_a_broken_definition_is_refused_when_the_pipeline_is_made(
    simulator: Simulator, definition: str, said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        create(simulator, "broken", definition)


def test_a_number_where_the_service_wants_a_string_is_found_when_the_step_runs(
    simulator: Simulator, place: str
) -> None:
    """What AWS's own SDK writes when a parameter is given as it is."""
    arguments = (f"{LOCAL}/input/data", get("Parameters.N"))
    step = processing(simulator, "Bare", "", *arguments, inputs={}, out=place)
    create(simulator, "bare", document([step], [{"Name": "N", "Type": "Integer", "DefaultValue": 3}]))
    arn = start(simulator, "bare")
    assert ended(simulator, arn)["PipelineExecutionStatus"] == "Failed"
    assert "Member must be of type string" in steps_of(simulator, arn)["Bare"]["FailureReason"]
