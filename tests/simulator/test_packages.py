"""Model packages: groups, numbers, approval with its actor."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.programs.cloud import Simulator


def specification(image: str = "image") -> dict[str, Any]:
    return {
        "Containers": [{"Image": image, "ModelDataUrl": "s3://bucket/model.tar.gz"}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }


def register(simulator: Simulator, group: str, **words: Any) -> str:
    client = simulator.client("sagemaker")
    made = client.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification(), **words
    )
    return str(made["ModelPackageArn"])


def numbers(simulator: Simulator, group: str, **words: Any) -> list[int]:
    pages = simulator.client("sagemaker").get_paginator("list_model_packages")
    found = pages.paginate(ModelPackageGroupName=group, **words, PaginationConfig={"PageSize": 2})
    return [each["ModelPackageVersion"] for page in found for each in page["ModelPackageSummaryList"]]


def test_versions_are_numbered_and_a_number_is_used_once(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="numbered", Tags=[{"Key": "a", "Value": "b"}])
    arns = [register(simulator, "numbered") for _ in range(3)]
    assert arns[2].endswith(":model-package/numbered/3")
    assert numbers(simulator, "numbered", SortOrder="Ascending") == [1, 2, 3]
    client.delete_model_package(ModelPackageName=arns[2])
    assert register(simulator, "numbered").endswith("/4")
    assert numbers(simulator, "numbered") == [4, 2, 1]
    group = client.describe_model_package_group(ModelPackageGroupName="numbered")
    assert client.list_tags(ResourceArn=group["ModelPackageGroupArn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(ClientError, match="already exists"):
        client.create_model_package_group(ModelPackageGroupName="numbered")


def test_an_approval_has_a_time_and_an_actor(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="approved")
    arn = register(simulator, "approved", CustomerMetadataProperties={"run": "5", "gone": "x"})
    before = client.describe_model_package(ModelPackageName=arn)
    assert before["ModelApprovalStatus"] == "PendingManualApproval"
    assert "LastModifiedBy" not in before

    role = simulator.client("sts").assume_role(RoleArn=simulator.role_arn, RoleSessionName="bert")
    keys = role["Credentials"]
    session = boto3.session.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], simulator.region
    )
    session.client("sagemaker", endpoint_url=simulator.endpoint).update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="fits",
        CustomerMetadataProperties={"approver": "bert"},
        CustomerMetadataPropertiesToRemove=["gone"],
    )
    after = client.describe_model_package(ModelPackageName=arn)
    assert (after["ModelApprovalStatus"], after["ApprovalDescription"]) == ("Approved", "fits")
    assert after["CustomerMetadataProperties"] == {"run": "5", "approver": "bert"}
    assert after["LastModifiedTime"] >= after["CreationTime"]
    assert after["LastModifiedBy"]["IamIdentity"]["Arn"].endswith(":assumed-role/fitting-room/bert")
    assert numbers(simulator, "approved", ModelApprovalStatus="Approved") == [1]
    assert numbers(simulator, "approved", ModelApprovalStatus="Rejected") == []


def test_a_group_is_deleted_when_it_is_empty(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="short")
    arn = register(simulator, "short")
    with pytest.raises(ClientError, match="ConflictException"):
        client.delete_model_package_group(ModelPackageGroupName="short")
    client.delete_model_package(ModelPackageName=arn)
    client.delete_model_package_group(ModelPackageGroupName="short")
    for look in (
        lambda: client.describe_model_package_group(ModelPackageGroupName="short"),
        lambda: client.describe_model_package(ModelPackageName=arn),
        lambda: client.list_model_packages(ModelPackageGroupName="short"),
        lambda: register(simulator, "short"),
    ):
        with pytest.raises(ClientError, match=r"ValidationException.*does not exist"):
            look()
    names = client.list_model_package_groups(NameContains="short")["ModelPackageGroupSummaryList"]
    assert names == []


def test_a_package_without_versions_has_a_name_and_no_approval(simulator: Simulator) -> None:
    client = simulator.client("sagemaker")
    client.create_model_package(ModelPackageName="single", InferenceSpecification=specification())
    found = client.describe_model_package(ModelPackageName="single")
    assert "ModelApprovalStatus" not in found
    with pytest.raises(ClientError, match="only be updated on versioned"):
        client.update_model_package(ModelPackageArn=found["ModelPackageArn"], ModelApprovalStatus="Approved")
    listed = client.list_model_packages(NameContains="single")["ModelPackageSummaryList"]
    assert [each["ModelPackageName"] for each in listed] == ["single"]
