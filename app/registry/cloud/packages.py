"""Model package groups and packages at SageMaker: found by our evidence, made once, updated."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.core.services import Services
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing, CloudRefused, calling
from app.integrations.aws.resources import note_resource
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus, Model
from ml.contract.faults import faultpoint
from ml.pipeline.sagemaker.serving import CONTENT_TYPES

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef

EVIDENCE = "fittingroom-evidence-sha256"
DESCRIPTION_LIMIT = 1024


@dataclass(frozen=True)
class Package:
    """``by`` is who changed it last, as AWS calls them; ``at`` is when, or when it was made."""

    arn: str
    status: ApprovalStatus
    by: str
    at: datetime
    said: str
    evidence_sha256: str


def group_name(model: Model) -> str:
    """Of at most 63 letters, digits and single hyphens; a model that is renamed keeps its group."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", model.name).strip("-")[:40].rstrip("-") or "model"
    return f"fittingroom-{plain}-{hashlib.sha256(model.id.encode()).hexdigest()[:8]}"


def ensure_group(services: Services, aws: Aws, model: Model, name: str) -> str:
    """Its ARN. A group of that name is ours: the name ends in a part of the model's id."""
    arn = _group(aws, name)
    if arn:
        return arn
    with services.works.writing() as work:
        note_resource(work, "model-package-group", name, region=aws.config.region, subject_id=model.id)
    try:
        with calling("create the model package group"):
            faultpoint("cloud.create_group")
            aws.sagemaker.create_model_package_group(
                ModelPackageGroupName=name,
                ModelPackageGroupDescription=f"{model.name}, kept in step with Fitting Room",
                Tags=aws.config.tags,  # type: ignore[arg-type]
            )
    except CloudRefused:
        if not _group(aws, name):  # two workers may have asked at once
            raise
    return _group(aws, name)


def _group(aws: Aws, name: str) -> str:
    try:
        with calling("look at the model package group"):
            found = aws.sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    except CloudMissing:
        return ""
    return found["ModelPackageGroupArn"]


def describe(aws: Aws, arn: str) -> Package | None:
    try:
        with calling("look at the model package"):
            found = aws.sagemaker.describe_model_package(ModelPackageName=arn)
    except CloudMissing:
        return None
    return _package(found)


def _package(found: "DescribeModelPackageOutputTypeDef") -> Package:
    return Package(
        found["ModelPackageArn"],
        ApprovalStatus(found.get("ModelApprovalStatus", ApprovalStatus.PENDING)),
        _who(found.get("LastModifiedBy") or found.get("CreatedBy") or {}),
        found.get("LastModifiedTime") or found["CreationTime"],
        found.get("ApprovalDescription", ""),
        found.get("CustomerMetadataProperties", {}).get(EVIDENCE, ""),
    )


def _who(context: Any) -> str:
    """The person's profile in Studio where there is one, else the ARN of the role or user."""
    identity = context.get("IamIdentity") or {}
    return str(context.get("UserProfileName") or identity.get("Arn") or "unknown")


def find(aws: Aws, group: str, evidence_sha256: str) -> Package | None:
    """The one that was made for this evidence, by a try whose answer was lost or by another installation."""
    for arn in statuses(aws, group):
        package = describe(aws, arn)
        if package and package.evidence_sha256 == evidence_sha256:
            return package
    return None


def statuses(aws: Aws, group: str) -> dict[str, str]:
    """The approval status of every package of a group, by its ARN."""
    with calling("list the model packages"):
        pages = aws.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        return {
            each["ModelPackageArn"]: each.get("ModelApprovalStatus", "")
            for page in pages
            for each in page["ModelPackageSummaryList"]
        }


def create(services: Services, aws: Aws, named: NamedVersion, group: str, data: str, before: str) -> Package:
    """``before`` is the ARN of one that is gone: the token that spares AWS a second one differs then."""
    version, name = named.version, f"{group}/{named.version.id}"
    region = aws.config.region
    with services.works.writing() as work:
        note_resource(work, "model-package", name, region=region, subject_id=version.id)
    token = hashlib.sha256(f"{version.id}/{version.evidence_sha256}/{before}".encode()).hexdigest()[:32]
    with calling("create the model package"):
        faultpoint("cloud.create_package")
        made = aws.sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelPackageDescription=f"{named.model.name} v{version.number}, registered in Fitting Room",
            InferenceSpecification=_inference(aws, data),
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties=_metadata(named),
            ClientToken=token,
        )
        faultpoint("cloud.created_package")
    arn = made["ModelPackageArn"]
    with services.works.writing() as work:
        note_resource(work, "model-package", name, arn=arn, region=region, subject_id=version.id)
    package = describe(aws, arn)
    assert package is not None
    return package


def _inference(aws: Aws, data: str) -> Any:
    return {
        "Containers": [{"Image": aws.config.serving_image, "ModelDataUrl": data}],
        "SupportedContentTypes": list(CONTENT_TYPES),
        "SupportedResponseMIMETypes": list(CONTENT_TYPES),
        "SupportedRealtimeInferenceInstanceTypes": [aws.config.serving_instance],
    }


def _metadata(named: NamedVersion) -> dict[str, str]:
    version = named.version
    return {
        EVIDENCE: version.evidence_sha256,
        "fittingroom-version-id": version.id,
        "fittingroom-model": named.model.name,
        "fittingroom-version": str(version.number),
        "fittingroom-run-id": version.run_id,
    }


def mark(aws: Aws, arn: str, named: NamedVersion) -> None:
    """A package that a pipeline registered says from now on whose it is."""
    with calling("mark the model package"):
        faultpoint("cloud.mark_package")
        aws.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=_metadata(named))


def update(aws: Aws, arn: str, status: ApprovalStatus, said: str) -> None:
    with calling("update the model package"):
        faultpoint("cloud.update_package")
        aws.sagemaker.update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus=status.value,
            ApprovalDescription=said[:DESCRIPTION_LIMIT],
        )
        faultpoint("cloud.updated_package")
