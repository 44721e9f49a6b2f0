"""Models: an image, an archive in S3 and an environment under a name; nothing runs yet."""

from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from simulator.core import Answer, Request, State, invalid, listed, missing, now, operation, remember_tags

KIND = "model"


def model(state: State, name: str) -> dict[str, Any]:
    record = state.table(KIND).get(name)
    if record is None:
        raise missing(f'Could not find model "{state.arn(KIND, name)}".')
    return record  # type: ignore[no-any-return]


def container(state: State, record: dict[str, Any]) -> dict[str, Any]:
    """What is really run: the model's first container, or that of the package that it names."""
    own = record.get("PrimaryContainer") or record["Containers"][0]
    if "ModelPackageName" not in own:
        return dict(own)
    package = state.table("model-package").get(own["ModelPackageName"])
    if package is None:
        raise missing(f"ModelPackage {own['ModelPackageName']} does not exist.")
    inner = package["InferenceSpecification"]["Containers"][0]
    return {**inner, "Environment": {**inner.get("Environment", {}), **own.get("Environment", {})}}


def archive(definition: dict[str, Any]) -> str | None:
    """Where the model's archive lies; an image may do without one."""
    source = definition.get("ModelDataSource", {}).get("S3DataSource", {})
    address = definition.get("ModelDataUrl") or source.get("S3Uri")
    return str(address) if address else None


@operation("CreateModel")
def create_model(state: State, request: Request) -> Answer:
    name = request["ModelName"]
    if ("PrimaryContainer" in request) == ("Containers" in request):
        raise invalid("Exactly one of PrimaryContainer and Containers must be provided.")
    if len(request.get("Containers", [])) > 1:
        raise invalid("The simulator runs one container a model.")
    record = {
        **{key: value for key, value in request.items() if key != "Tags"},
        "ModelArn": state.arn(KIND, name),
        "CreationTime": now(),
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
    }
    _check(state, record)
    with state.lock:
        if name in state.table(KIND):
            raise invalid(f'Cannot create already existing model "{record["ModelArn"]}".')
        state.table(KIND)[name] = record
        remember_tags(state, record["ModelArn"], request)
    return {"ModelArn": record["ModelArn"]}


def _check(state: State, record: dict[str, Any]) -> None:
    own = record.get("PrimaryContainer") or record["Containers"][0]
    package = own.get("ModelPackageName")
    if package is None and "Image" not in own:
        raise invalid("A container needs an Image or a ModelPackageName.")
    definition = container(state, record)
    if package is not None:
        found = state.table("model-package")[package]
        if found["ModelApprovalStatus"] not in (None, "Approved"):
            raise invalid(
                f"Cannot create a model from {package}: its status is {found['ModelApprovalStatus']}."
            )
    address = archive(definition)
    if address and not _exists(state, address):
        raise invalid(f"Could not find model data at {address}.")


def _exists(state: State, address: str) -> bool:
    place = urlparse(address)
    try:
        state.s3.head_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
    except ClientError:
        return False
    return True


@operation("DescribeModel")
def describe_model(state: State, request: Request) -> Answer:
    with state.lock:
        return dict(model(state, request["ModelName"]))


@operation("ListModels")
def list_models(state: State, request: Request) -> Answer:
    shown = ("ModelName", "ModelArn", "CreationTime")
    with state.lock:
        items = [(name, {key: each[key] for key in shown}) for name, each in state.table(KIND).items()]
    return listed(items, request, "Models")


@operation("DeleteModel")
def delete_model(state: State, request: Request) -> Answer:
    with state.lock:
        arn = model(state, request["ModelName"])["ModelArn"]
        del state.table(KIND)[request["ModelName"]]
        state.tags.pop(arn, None)
    return {}
