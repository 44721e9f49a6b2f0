"""The expressions of the Pipelines JSON: references, functions over them, conditions, durations.

An expression is resolved against a scope, which answers for a path as the definition writes it. What stands
for a number stays a number: a reference to an Integer where the service wants a string is refused by the
checks of the step's own request, as at AWS, and ``Std:Join`` is how a definition makes a string of it.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Protocol

from simulator.core import invalid

# ['name'] and [0] after a name; a name may hold what SageMaker's names and parameters hold.
PART = re.compile(r"""\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")
DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)
LONG = {"years": 365, "months": 30}  # in days
# A member of a list is also found by the name that its own kind of list gives to members.
NAMES = ("OutputName", "InputName", "ChannelName", "MetricName", "Name")
Path = tuple[str | int, ...]


class Scope(Protocol):
    def get(self, path: Path) -> Any:
        """What ``{"Get": path}`` stands for."""

    def document(self, path: Path) -> Any:
        """The JSON document behind ``Steps.<step>.PropertyFiles.<name>``."""

    def stored(self, uri: str) -> Any:
        """The JSON document at an address in S3."""


def parse_path(text: str) -> Path:
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = PART.match(text, position)
        if match is None:
            raise invalid(f"Unable to parse pipeline definition. Invalid property reference '{text}'")
        name, index, *quoted = match.groups()
        parts.append(int(index) if index is not None else next(x for x in (name, *quoted) if x is not None))
        position = match.end()
    return tuple(parts)


def walk(value: Any, path: Path, said: str) -> Any:
    """Follow a path through what a describe operation answered."""
    for part in path:
        value = _member(value, part)
        if value is None:
            raise invalid(f"Unable to resolve property reference '{said}'")
    return value


def _member(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int):
        return value[part] if part < len(value) else None
    if isinstance(value, list):
        return next((item for item in value if part in (item.get(name) for name in NAMES)), None)
    return None


def references(value: Any) -> Iterator[Path]:
    """Every path that an argument refers to."""
    if isinstance(value, dict):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield parse_path(value["Get"])
        else:
            for item in value.values():
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolve(value: Any, scope: Scope) -> Any:
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Get"}:
        return scope.get(parse_path(value["Get"]))
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return str(join.get("On", "")).join(text_of(resolve(item, scope)) for item in join["Values"])
    if set(value) == {"Std:JsonGet"}:
        return _json_get(value["Std:JsonGet"], scope)
    return {name: resolve(item, scope) for name, item in value.items()}


def _json_get(function: dict[str, Any], scope: Scope) -> Any:
    if "PropertyFile" in function:
        path = parse_path(function["PropertyFile"]["Get"])
        document = scope.document(path)
    else:
        document = scope.stored(text_of(resolve(function["S3Uri"], scope)))
    wanted = function["Path"]
    return walk(document, parse_path(wanted.removeprefix("$").removeprefix(".")), f"Std:JsonGet {wanted}")


def text_of(value: Any) -> str:
    """As JSON writes it, without quotes: true, 0.9, 1e-05."""
    return value if isinstance(value, str) else json.dumps(value)


# --- conditions -------------------------------------------------------------------------------------

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def holds(condition: dict[str, Any], scope: Scope) -> bool:
    kind = condition.get("Type")
    if kind in COMPARISONS:
        left, right = (resolve(condition[side], scope) for side in ("LeftValue", "RightValue"))
        return _compare(COMPARISONS[kind], left, right)
    if kind == "In":
        return resolve(condition["QueryValue"], scope) in resolve(condition["Values"], scope)
    if kind == "Not":
        # The SDK writes Condition, the published schema Expression.
        return not holds(condition.get("Condition") or condition["Expression"], scope)
    if kind == "Or":
        return any(holds(each, scope) for each in condition["Conditions"])
    if kind == "And":
        return all(holds(each, scope) for each in condition["Conditions"])
    raise invalid(f"Unable to parse pipeline definition. Unknown condition type '{kind}'")


def _compare(comparison: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    numbers = all(isinstance(each, int | float) for each in (left, right))
    if comparison is not operator.eq and not numbers and type(left) is not type(right):
        raise invalid(
            f"Cannot compare '{text_of(left)}' with '{text_of(right)}': they are of different types"
        )
    return bool(comparison(left, right))


# --- durations --------------------------------------------------------------------------------------


def duration(text: str) -> timedelta:
    """ISO 8601 as the service's documentation writes it: PT1H, 30d, p4dT12h, T16m, 5y."""
    match = DURATION.fullmatch(text if text[:1] in "Pp" else f"P{text}")
    found = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    if not found:
        raise invalid(f"Unable to parse pipeline definition. Invalid duration '{text}' in ExpireAfter")
    days = sum(found.pop(name, 0) * length for name, length in LONG.items())
    return timedelta(days=days) + timedelta(**found)
