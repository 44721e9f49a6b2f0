"""The server: what it answers itself, what moto answers, and the faults that tests ask for."""

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from tests.programs.cloud import Simulator


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    words = error.value.response["Error"]
    return words["Code"], words["Message"]


def test_objects_are_kept_by_moto(simulator: Simulator) -> None:
    uri = simulator.put(f"s3://{simulator.new_bucket()}/a/b", b"x" * 100_000)
    assert simulator.read(uri) == b"x" * 100_000


def test_an_operation_that_nobody_plays_is_refused_and_not_tried_again(simulator: Simulator) -> None:
    with pytest.raises(ClientError) as error:
        simulator.client("sagemaker").list_hubs()
    assert refused(error) == ("NotSimulated", "The simulator does not know the operation ListHubs.")


def test_a_request_is_checked_against_the_service_model(simulator: Simulator) -> None:
    """Patterns and enumerations are what a client does not check before it sends."""
    with pytest.raises(ClientError) as error:
        simulator.client("sagemaker").list_models(SortBy="Weight", NameContains="!")
    code, message = refused(error)
    assert code == "ValidationException"
    assert message.startswith("2 validation errors detected: Value 'Weight' at 'sortBy' failed to satisfy")
    assert "Member must satisfy enum value set: [Name, CreationTime]" in message
    assert "at 'nameContains' failed to satisfy constraint: Member must satisfy regular expression" in message


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    [("ListModels", "ThrottlingException", 400), ("List*", "InternalFailure", 500)],
)
def test_a_fault_is_answered_as_often_as_asked(
    simulator: Simulator, operation: str, code: str, status: int
) -> None:
    client = simulator.client("sagemaker")
    simulator.fail(operation, code, times=2)
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            client.list_models()
        assert refused(error)[0] == code
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert client.list_models(NameContains="of-nobody")["Models"] == []


@pytest.mark.parametrize("code", ["AccessDenied", "ServiceUnavailable"])
def test_s3_fails_in_its_own_words(simulator: Simulator, code: str) -> None:
    bucket = simulator.new_bucket()
    simulator.fail("S3.PUT", code)
    with pytest.raises(ClientError) as error:
        simulator.put(f"s3://{bucket}/x", b"y" * 3_000_000)
    assert refused(error)[0] == code
    assert simulator.keys(f"s3://{bucket}/") == []


def test_an_answer_may_be_lost_after_the_deed(simulator: Simulator) -> None:
    bucket = simulator.new_bucket()
    simulator.fail("S3.PUT", "Disconnect", after=True)
    with pytest.raises(HTTPClientError):
        simulator.put(f"s3://{bucket}/x", b"y")
    assert simulator.keys(f"s3://{bucket}/") == ["x"]


def test_a_query_service_fails_too_and_calls_are_listed_in_order(simulator: Simulator) -> None:
    before = simulator.mark()
    simulator.fail("GetCallerIdentity", "ExpiredToken")
    with pytest.raises(ClientError) as error:
        simulator.client("sts").get_caller_identity()
    assert refused(error)[0] == "ExpiredToken"
    simulator.client("sts").get_caller_identity()
    simulator.client("sagemaker").list_models(NameContains="a")
    seen = [(call["operation"], call["code"], call["request"]) for call in simulator.calls(before)]
    assert seen == [
        ("GetCallerIdentity", "ExpiredToken", None),
        ("GetCallerIdentity", "", None),
        ("ListModels", "", {"NameContains": "a"}),
    ]
