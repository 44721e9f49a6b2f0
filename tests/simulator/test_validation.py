"""Requests and answers against botocore's service model, in the service's words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.core import AwsError
from simulator.validation import check_answer, check_request

TRAINING: dict[str, Any] = {
    "TrainingJobName": "a",
    "RoleArn": "arn:aws:iam::123456789012:role/x",
    "OutputDataConfig": {"S3OutputPath": "s3://b/c"},
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RoleArn": None}, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"),
        ({"TrainingJobName": "a" * 64}, "Member must have length less than or equal to 63"),
        (
            {"InputDataConfig": [{"ChannelName": "x", "DataSource": {"S3DataSource": {"S3Uri": "s3://b"}}}]},
            "Value null at 'inputDataConfig.1.member.dataSource.s3DataSource.s3DataType' failed",
        ),
        (
            {"HyperParameters": {"epochs": 3}},
            "Value '3' at 'hyperParameters.epochs.member' failed to satisfy constraint: Member must be of",
        ),
        ({"Colour": "green"}, "Value 'green' at 'colour' failed to satisfy constraint: Member is not known"),
        ({"EnableManagedSpotTraining": "yes"}, "Member must be of type boolean"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must have value "
            "greater than or equal to 1",
        ),
    ],
    ids=["missing", "too-long", "nested", "type-in-a-map", "unknown", "boolean", "range"],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError) as error:
        check_request("sagemaker", "CreateTrainingJob", {**TRAINING, **changes})
    assert error.value.code == "ValidationException"
    assert words in error.value.message
    assert " detected: Value " in error.value.message


def test_a_sound_request_arrives_with_datetimes() -> None:
    found = check_request("sagemaker", "ListTrainingJobs", {"CreationTimeAfter": 0.5, "NameContains": None})
    assert found == {"CreationTimeAfter": datetime(1970, 1, 1, 0, 0, 0, 500_000, UTC)}
    assert check_request("sagemaker", "CreateTrainingJob", TRAINING) == TRAINING


def test_an_operation_that_does_not_exist() -> None:
    with pytest.raises(AwsError) as error:
        check_request("sagemaker", "CreateMagic", {})
    assert error.value.code == "UnknownOperationException"


def test_an_answer_is_held_to_the_model_too() -> None:
    with pytest.raises(AssertionError, match="Value null at 'trainingJobArn'"):
        check_answer("sagemaker", "CreateTrainingJob", {})
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    summary = {
        "TrainingJobName": "a",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/a",
        "CreationTime": moment,
        "TrainingJobStatus": "Completed",
    }
    sent = check_answer("sagemaker", "ListTrainingJobs", {"TrainingJobSummaries": [summary]})
    assert sent["TrainingJobSummaries"][0]["CreationTime"] == moment.timestamp()
