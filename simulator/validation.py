"""Requests and answers against botocore's service model, with SageMaker's own words for what is wrong.

A client checks only required members, types and lower bounds before it sends; the service also checks
upper bounds, patterns and the values of enumerations, and so does this.
"""

import base64
import binascii
import functools
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.loaders
from botocore.model import OperationModel, ServiceModel, Shape

from simulator.core import AwsError, invalid

TARGETS = {
    "SageMaker": "sagemaker",
    "AmazonAthena": "athena",
    "AWSGlue": "glue",
    "Logs_20140328": "logs",
}
TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "character": (str,),
    "blob": (str, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str, datetime),
}
LONGEST_SHOWN = 200


@functools.cache
def service_model(service: str) -> ServiceModel:
    loader = botocore.loaders.create_loader()
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def operation_model(service: str, name: str) -> OperationModel:
    model = service_model(service)
    if name not in model.operation_names:
        raise AwsError("UnknownOperationException", f"The operation {name} is not known.")
    return model.operation_model(name)


def check_request(service: str, name: str, request: Any) -> Any:
    """The request with timestamps as datetimes and blobs as bytes; every fault is told at once."""
    shape = operation_model(service, name).input_shape
    if shape is None:
        return {}
    problems = list(_problems(request, shape, ""))
    if problems:
        errors = "validation errors" if len(problems) > 1 else "validation error"
        raise invalid(f"{len(problems)} {errors} detected: {'; '.join(problems)}")
    return _decoded(request, shape)


def check_answer(service: str, name: str, answer: Any) -> Any:
    """The answer as it is sent. What the model does not allow is the simulator's own fault, and told."""
    shape = operation_model(service, name).output_shape
    if shape is None:
        return {}
    problems = list(_problems(answer, shape, ""))
    if problems:
        raise AssertionError(f"the simulator's answer to {name}: {'; '.join(problems)}")
    return _encoded(answer, shape)


# --- finding faults ---------------------------------------------------------------------------------


def _problems(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not _fits(value, shape):
        yield _failed(value, path, f"Member must be of type {shape.type_name}")
    elif shape.type_name == "structure":
        yield from _structure(value, shape, path)
    elif shape.type_name == "list":
        yield from _bounds(value, len(value), shape, path)
        for number, item in enumerate(value, 1):
            yield from _problems(item, shape.member, f"{path}.{number}.member")  # type: ignore[attr-defined]
    elif shape.type_name == "map":
        yield from _bounds(value, len(value), shape, path)
        for key, item in value.items():
            yield from _problems(key, shape.key, f"{path}.key")  # type: ignore[attr-defined]
            yield from _problems(item, shape.value, f"{path}.{key}.member")  # type: ignore[attr-defined]
    else:
        yield from _scalar(value, shape, path)


def _fits(value: Any, shape: Shape) -> bool:
    if isinstance(value, bool) and shape.type_name != "boolean":
        return False
    return isinstance(value, TYPES[shape.type_name])


def _structure(value: dict[str, Any], shape: Shape, path: str) -> Iterator[str]:
    members = shape.members  # type: ignore[attr-defined]
    for name in shape.metadata.get("required", []):
        if value.get(name) is None:
            yield _failed(None, _below(path, name), "Member must not be null")
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield _failed(value, path, f"Member must have exactly one of: {', '.join(members)}")
    for name, item in value.items():
        if name not in members:
            yield _failed(item, _below(path, name), "Member is not known")
        elif item is not None:
            yield from _problems(item, members[name], _below(path, name))


def _scalar(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if shape.type_name == "string":
        yield from _bounds(value, len(value), shape, path)
        allowed = shape.metadata.get("enum")
        if allowed and value not in allowed:
            yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        pattern = shape.metadata.get("pattern")
        if pattern and not _matches(pattern, value):
            words = f"Member must satisfy regular expression pattern: {pattern}"
            yield _failed(value, path, words)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _bounds(value, value, shape, path)


def _bounds(value: Any, measure: float, shape: Shape, path: str) -> Iterator[str]:
    have = "have value" if measure is value else "have length"
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and measure < low:
        yield _failed(value, path, f"Member must {have} greater than or equal to {low}")
    if high is not None and measure > high:
        yield _failed(value, path, f"Member must {have} less than or equal to {high}")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Java's patterns are nearly Python's; where one is not (Unicode classes), nothing is checked."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _failed(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:LONGEST_SHOWN]}'"
    return f"Value {shown} at '{path or 'input'}' failed to satisfy constraint: {constraint}"


def _below(path: str, name: str) -> str:
    lower = name[:1].lower() + name[1:]
    return f"{path}.{lower}" if path else lower


# --- between JSON and Python ------------------------------------------------------------------------


def _decoded(value: Any, shape: Shape) -> Any:
    if shape.type_name == "timestamp":
        return _moment(value)
    if shape.type_name == "blob":
        try:
            return base64.b64decode(value)
        except (binascii.Error, ValueError) as error:
            raise invalid(f"A blob is not base64: {error}") from None
    return _walked(value, shape, _decoded)


def _encoded(value: Any, shape: Shape) -> Any:
    if shape.type_name == "timestamp":
        return round(_moment(value).timestamp(), 3)
    if shape.type_name == "blob":
        return base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
    return _walked(value, shape, _encoded)


def _walked(value: Any, shape: Shape, change: Any) -> Any:
    if shape.type_name == "structure":
        members = shape.members  # type: ignore[attr-defined]
        return {name: change(item, members[name]) for name, item in value.items() if item is not None}
    if shape.type_name == "list":
        return [change(item, shape.member) for item in value]  # type: ignore[attr-defined]
    if shape.type_name == "map":
        return {key: change(item, shape.value) for key, item in value.items()}  # type: ignore[attr-defined]
    return value


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, UTC)
