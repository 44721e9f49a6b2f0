"""Each permission is tried by itself; the one that is missing is named, and what to do about it."""

from app.core.services import Services
from app.integrations.aws.deeds import check
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.operations import OPERATIONS
from app.integrations.aws.setup import save_settings
from tests.app.integrations.aws.conftest import Doing
from tests.programs.cloud import Simulator

DENIED = "User: arn:aws:iam::123456789012:user/fit is not authorized to perform: {} on resource: *"


def by_operation(result: object) -> dict[str, dict[str, str]]:
    return {each["operation"]: each for each in result["findings"]}  # type: ignore[index]


def test_everything_that_can_be_tried_harmlessly_is_tried(
    cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    mark = simulator.mark()
    result = doing(check)
    found = by_operation(result)
    assert {each.name for each in OPERATIONS} | {""} == set(found)
    assert [each for each in result["findings"] if each["state"] == "failed"] == []
    assert found["CreateTrainingJob"]["state"] == "untried"
    assert found[""]["permission"] == "iam:PassRole"
    assert found["GetCallerIdentity"]["message"].startswith("arn:aws:")
    called = {call["operation"] for call in simulator.calls(mark)}
    done = {each["operation"] for each in result["findings"] if each["state"] == "done"}
    assert {name for name in done if not name.endswith(("Object", "Bucket", "ObjectsV2"))} <= called
    assert {"S3.HEAD", "S3.PUT", "S3.GET", "S3.DELETE"} <= called
    assert not {name for name in called if name.startswith("Create")}, "nothing was made"
    assert simulator.keys(f"s3://{cloud.bucket}/") == [], "the probe was taken away"


def test_a_missing_permission_is_named_and_the_others_are_still_tried(
    cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    denied = DENIED.format("sagemaker:DescribeTrainingJob")
    simulator.fail("DescribeTrainingJob", "AccessDeniedException", message=denied, times=3)
    simulator.fail("S3.PUT", "AccessDenied", times=3)
    result = doing(check)
    found = by_operation(result)
    assert found["DescribeTrainingJob"]["state"] == "failed"
    assert "sagemaker:DescribeTrainingJob is missing" in found["DescribeTrainingJob"]["message"]
    assert "sagemaker:DescribeTrainingJob" in found["DescribeTrainingJob"]["advice"]
    assert "s3:PutObject is missing" in found["PutObject"]["message"]
    assert found["StopTrainingJob"]["state"] == "done"
    assert result["failed"] >= 2


def test_without_credentials_that_aws_takes_nothing_more_is_tried(
    cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    simulator.fail("GetCallerIdentity", "ExpiredToken", times=3)
    result = doing(check)
    states = {each["state"] for each in result["findings"][1:]}
    assert result["findings"][0]["state"] == "failed"
    assert "AWS_SHARED_CREDENTIALS_FILE" in result["findings"][0]["advice"]
    assert states == {"untried"}


def test_a_bucket_that_is_not_there_and_a_role_of_another_account_are_told(
    services: Services, cloud: CloudRequest, doing: Doing
) -> None:
    changed = {"bucket": "nobody-made-this", "role_arn": "arn:aws:iam::999999999999:role/fitting-room"}
    with services.works.writing() as work:
        save_settings(work, "usr_1", cloud.model_copy(update=changed))
    found = by_operation(doing(check))
    assert "There is no bucket nobody-made-this" in found["HeadBucket"]["message"]
    assert "999999999999" in found["GetCallerIdentity"]["message"]
    assert found["ListTrainingJobs"]["state"] == "done"
