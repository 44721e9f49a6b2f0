"""The model registry: groups, versions in them, and their approval.

Moto's own takes a version's number from the count of those that are left, lets a group be made twice, deletes
nothing and never says who changed what; so this is ours.
"""

from typing import Any

from simulator.core import (
    Answer,
    AwsError,
    Request,
    State,
    in_use,
    invalid,
    listed,
    missing,
    now,
    operation,
    remember_tags,
)
from simulator.identity import caller

GROUPS = "model-package-group"
PACKAGES = "model-package"
TOKENS = "model-package token"  # the ARN that was made for each
# Members of a request that a package keeps and shows as they came.
KEPT = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "MetadataProperties",
    "ModelMetrics",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
)


def actor() -> Answer:
    """Who sent the request, as the service notes it."""
    return {"IamIdentity": {"Arn": caller().arn, "PrincipalId": caller().principal}}


# --- groups -----------------------------------------------------------------------------------------


def _group(state: State, name: str) -> dict[str, Any]:
    record = state.table(GROUPS).get(name.rpartition("/")[2])
    if record is None:
        raise missing(f"ModelPackageGroup {state.arn(GROUPS, name.rpartition('/')[2])} does not exist.")
    return record  # type: ignore[no-any-return]


@operation("CreateModelPackageGroup")
def create_group(state: State, request: Request) -> Answer:
    name = request["ModelPackageGroupName"]
    arn = state.arn(GROUPS, name)
    with state.lock:
        if name in state.table(GROUPS):
            raise invalid(f"Model Package Group already exists: {arn}")
        state.table(GROUPS)[name] = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription"),
            "CreationTime": now(),
            "CreatedBy": actor(),
            "ModelPackageGroupStatus": "Completed",
            "last version": 0,
        }
        remember_tags(state, arn, request)
    return {"ModelPackageGroupArn": arn}


@operation("DescribeModelPackageGroup")
def describe_group(state: State, request: Request) -> Answer:
    with state.lock:
        return _shown(_group(state, request["ModelPackageGroupName"]))


@operation("ListModelPackageGroups")
def list_groups(state: State, request: Request) -> Answer:
    hidden = ("CreatedBy",)
    with state.lock:
        groups = [_shown(record) for record in state.table(GROUPS).values()]
    items = [
        (group["ModelPackageGroupName"], {name: v for name, v in group.items() if name not in hidden})
        for group in groups
    ]
    return listed(items, request, "ModelPackageGroupSummaryList")


@operation("DeleteModelPackageGroup")
def delete_group(state: State, request: Request) -> Answer:
    with state.lock:
        name = _group(state, request["ModelPackageGroupName"])["ModelPackageGroupName"]
        if any(each.get("ModelPackageGroupName") == name for each in state.table(PACKAGES).values()):
            words = f"Model Package Group {name} cannot be deleted: it still contains model packages."
            raise AwsError("ConflictException", words)
        del state.table(GROUPS)[name]
    return {}


def _shown(record: dict[str, Any]) -> Answer:
    return {name: value for name, value in record.items() if name[0].isupper() and value is not None}


# --- packages ---------------------------------------------------------------------------------------


def _package(state: State, name: str) -> dict[str, Any]:
    """By ARN, or by name where the package has no versions."""
    arn = name if name.startswith("arn:") else state.arn(PACKAGES, name)
    record = state.table(PACKAGES).get(arn)
    if record is None:
        raise missing(f"ModelPackage {arn} does not exist.")
    return record  # type: ignore[no-any-return]


@operation("CreateModelPackage")
def create_package(state: State, request: Request) -> Answer:
    group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if (group is None) == (name is None):
        raise invalid("Exactly one of ModelPackageName and ModelPackageGroupName must be provided.")
    token = request.get("ClientToken")
    with state.lock:
        if token in (made := state.table(TOKENS)) and made[token] in state.table(PACKAGES):
            return {"ModelPackageArn": made[token]}
        record = _versioned(state, group) if group else _unversioned(state, str(name))
        arn = record["ModelPackageArn"]
        if token:
            made[token] = arn
        status = request.get("ModelApprovalStatus", "PendingManualApproval" if group else None)
        record.update({name: request[name] for name in KEPT if name in request})
        record.update(
            ModelApprovalStatus=status,
            ModelPackageStatus="Completed",
            ModelPackageStatusDetails={"ValidationStatuses": [], "ImageScanStatuses": []},
            CertifyForMarketplace=request.get("CertifyForMarketplace", False),
            CreationTime=now(),
            CreatedBy=actor(),
        )
        state.table(PACKAGES)[arn] = record
        remember_tags(state, arn, request)
    return {"ModelPackageArn": arn}


def _versioned(state: State, group: str) -> dict[str, Any]:
    """A number is used once, whatever is deleted."""
    record = _group(state, group)
    record["last version"] += 1
    name, version = record["ModelPackageGroupName"], record["last version"]
    return {
        "ModelPackageGroupName": name,
        "ModelPackageVersion": version,
        "ModelPackageName": name,
        "ModelPackageArn": state.arn(PACKAGES, f"{name}/{version}"),
    }


def _unversioned(state: State, name: str) -> dict[str, Any]:
    arn = state.arn(PACKAGES, name)
    if arn in state.table(PACKAGES):
        raise in_use(f"Model package already exists: {arn}")
    return {"ModelPackageName": name, "ModelPackageArn": arn}


@operation("DescribeModelPackage")
def describe_package(state: State, request: Request) -> Answer:
    with state.lock:
        return {
            "ModelPackageRegistrationType": "Registered",
            **_shown(_package(state, request["ModelPackageName"])),
        }


@operation("UpdateModelPackage")
def update_package(state: State, request: Request) -> Answer:
    with state.lock:
        record = _package(state, request["ModelPackageArn"])
        if "ModelApprovalStatus" in request and "ModelPackageVersion" not in record:
            raise invalid("Approval status can only be updated on versioned model packages.")
        kept = ("ModelApprovalStatus", "ApprovalDescription", "SourceUri", "ModelCard", "ModelLifeCycle")
        record.update({name: request[name] for name in kept if name in request})
        properties = {
            **record.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for name in request.get("CustomerMetadataPropertiesToRemove", []):
            properties.pop(name, None)
        if properties or "CustomerMetadataProperties" in record:
            record["CustomerMetadataProperties"] = properties
        record.update(LastModifiedTime=now(), LastModifiedBy=actor())
        return {"ModelPackageArn": record["ModelPackageArn"]}


@operation("ListModelPackages")
def list_packages(state: State, request: Request) -> Answer:
    group = request.get("ModelPackageGroupName", "").rpartition("/")[2]
    kind = "Versioned" if group else request.get("ModelPackageType", "Unversioned")
    with state.lock:
        if group:
            _group(state, group)
        packages = [
            {name: value for name, value in _shown(record).items() if name in SUMMARY}
            for record in state.table(PACKAGES).values()
            if group in ("", record.get("ModelPackageGroupName"))
            and kind in ("Both", "Versioned" if "ModelPackageVersion" in record else "Unversioned")
            and request.get("ModelApprovalStatus") in (None, record["ModelApprovalStatus"])
        ]
    return listed([(each["ModelPackageArn"], each) for each in packages], request, "ModelPackageSummaryList")


@operation("DeleteModelPackage")
def delete_package(state: State, request: Request) -> Answer:
    with state.lock:
        arn = _package(state, request["ModelPackageName"])["ModelPackageArn"]
        del state.table(PACKAGES)[arn]
        state.tags.pop(arn, None)
    return {}
