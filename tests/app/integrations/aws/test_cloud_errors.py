"""Whatever AWS answers becomes one of ours: what to do now, later, or who has to mend it."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError

from app.integrations.aws.errors import CloudAway, CloudExpired, CloudMissing, CloudRefused, calling


def answer(
    code: str, message: str = "", operation: str = "CreateTrainingJob", status: int = 400
) -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)  # type: ignore[arg-type]


def refused(error: Exception) -> CloudAway | CloudExpired | CloudRefused:
    with pytest.raises((CloudAway, CloudExpired, CloudRefused)) as caught, calling("start the training job"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        answer("ThrottlingException", "Rate exceeded"),
        answer("SlowDown", operation="PutObject", status=503),
        answer("Whatever", status=500),
        answer("Whatever", status=429),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:9"),
        ConnectTimeoutError(endpoint_url="http://127.0.0.1:9"),
    ],
    ids=["throttled", "slow down", "server error", "too many", "no connection", "silence"],
)
def test_what_may_work_later_is_away(error: Exception) -> None:
    away = refused(error)
    assert isinstance(away, CloudAway)
    assert "start the training job" in away.message
    assert away.status == 503


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId"])
def test_credentials_that_are_not_accepted_wait_for_somebody(code: str) -> None:
    expired = refused(answer(code, "The security token included in the request is expired", status=403))
    assert isinstance(expired, CloudExpired)
    assert "AWS_SHARED_CREDENTIALS_FILE" in expired.advice


def test_no_credentials_are_told_as_that() -> None:
    assert "no credentials" in refused(NoCredentialsError()).message


def test_a_missing_permission_is_named_as_aws_names_it() -> None:
    said = (
        "User: arn:aws:iam::123456789012:user/fit is not authorized to perform: sagemaker:CreateTrainingJob "
        "on resource: arn:aws:sagemaker:us-east-1:123456789012:training-job/x because no policy"
    )
    error = refused(answer("AccessDeniedException", said))
    assert isinstance(error, CloudRefused)
    assert error.permission == "sagemaker:CreateTrainingJob"
    assert "sagemaker:CreateTrainingJob is missing" in error.message


def test_s3_does_not_name_the_permission_so_the_list_of_operations_does() -> None:
    error = refused(answer("403", "Forbidden", "HeadBucket", 403))
    assert isinstance(error, CloudRefused)
    assert error.permission == "s3:ListBucket"


def test_a_quota_is_named_with_its_instance_type() -> None:
    said = (
        "The account-level service limit 'ml.c5.9xlarge for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 1 Instances."
    )
    error = refused(answer("ResourceLimitExceeded", said))
    assert isinstance(error, CloudRefused)
    assert error.aws_code == "ResourceLimitExceeded"
    assert "ml.c5.9xlarge for training job usage" in error.advice


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        (answer("ValidationException", 'Could not find endpoint "arn:x".', "DescribeEndpoint"), True),
        (answer("ValidationException", "Requested resource not found.", "DescribeTrainingJob"), True),
        (answer("ValidationException", "Could not find model", "CreateEndpointConfig"), False),
        (answer("ValidationException", "1 validation error detected", "DescribeEndpoint"), False),
        (answer("ResourceNotFound", operation="DescribeProcessingJob"), True),
        (answer("404", operation="HeadObject", status=404), True),
        (answer("EntityNotFoundException", operation="GetTable"), True),
        (answer("ResourceInUse", "Job name is taken"), False),
    ],
    ids=["endpoint", "job", "creation", "malformed", "not found", "object", "table", "taken"],
)
def test_what_is_not_there_differs_from_what_is_refused(error: ClientError, missing: bool) -> None:
    assert isinstance(refused(error), CloudRefused)
    assert isinstance(refused(error), CloudMissing) is missing
