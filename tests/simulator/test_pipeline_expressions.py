"""The expressions of the Pipelines JSON by themselves."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.core import AwsError
from simulator.pipelines.expressions import (
    Path,
    duration,
    holds,
    parse_path,
    references,
    resolve,
    text_of,
    walk,
)

DOCUMENT = {"metrics": {"accuracy": {"value": 0.5}, "by class": [{"f1": 1}, {"f1": 2}]}}


class Scope:
    def get(self, path: Path) -> Any:
        return {"N": 3, "F": 1e-5, "T": True, "S": "word"}[str(path[1])]

    def document(self, path: Path) -> Any:
        return DOCUMENT

    def stored(self, uri: str) -> Any:
        return {"uri": uri}


def test_a_path_has_names_numbers_and_quoted_names() -> None:
    assert parse_path("Steps.My-Step.A.Outputs['my out'].B[2]") == (
        "Steps", "My-Step", "A", "Outputs", "my out", "B", 2
    )  # fmt: skip
    with pytest.raises(AwsError, match="Invalid property reference"):
        parse_path("Steps..A")


def test_a_member_of_a_list_is_found_by_its_name_or_number() -> None:
    outputs = {"Outputs": [{"OutputName": "a", "Uri": "1"}, {"OutputName": "b", "Uri": "2"}]}
    assert walk(outputs, ("Outputs", "b", "Uri"), "x") == "2"
    assert walk(outputs, ("Outputs", 0, "Uri"), "x") == "1"
    with pytest.raises(AwsError, match="Unable to resolve property reference"):
        walk(outputs, ("Outputs", "c"), "Steps.S.Outputs['c']")


def test_a_reference_keeps_its_type_and_a_join_makes_a_string() -> None:
    joined = {"Std:Join": {"On": "/", "Values": ["a", {"Get": "Parameters.N"}, {"Get": "Parameters.T"}]}}
    value = {"count": {"Get": "Parameters.N"}, "text": [joined]}
    assert resolve(value, Scope()) == {"count": 3, "text": ["a/3/true"]}
    assert sorted(references(value)) == [("Parameters", "N"), ("Parameters", "N"), ("Parameters", "T")]
    assert [text_of(each) for each in (0.9, 1e-5, False, "x")] == ["0.9", "1e-05", "false", "x"]


@pytest.mark.parametrize(
    ("path", "value"),
    [("metrics.accuracy.value", 0.5), ("$.metrics['by class'][1].f1", 2)],
    ids=["dotted", "dollar"],
)
def test_json_get_reads_a_property_file(path: str, value: float) -> None:
    function = {"PropertyFile": {"Get": "Steps.E.PropertyFiles.R"}, "Path": path}
    assert resolve({"Std:JsonGet": function}, Scope()) == value


def comparison(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        (comparison("Equals", "a", "a"), True),
        (comparison("Equals", 1, "1"), False),
        (comparison("GreaterThan", 1, 1), False),
        (comparison("GreaterThanOrEqualTo", {"Get": "Parameters.N"}, 3.0), True),
        (comparison("LessThan", 2, 3), True),
        (comparison("LessThanOrEqualTo", 4, 3), False),
        ({"Type": "In", "QueryValue": {"Get": "Parameters.S"}, "Values": ["x", "word"]}, True),
        ({"Type": "Not", "Condition": comparison("Equals", 1, 1)}, False),
        ({"Type": "Not", "Expression": comparison("Equals", 1, 2)}, True),
        ({"Type": "Or", "Conditions": [comparison("Equals", 1, 2), comparison("Equals", 1, 1)]}, True),
        ({"Type": "And", "Conditions": [comparison("Equals", 1, 2), comparison("Equals", 1, 1)]}, False),
    ],
    ids=lambda value: value["Type"] if isinstance(value, dict) else str(value),
)
def test_conditions(condition: dict[str, Any], outcome: bool) -> None:
    assert holds(condition, Scope()) is outcome


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(AwsError, match="of different types"):
        holds(comparison("GreaterThan", 1, "a"), Scope())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT1H", timedelta(hours=1)),
        ("30d", timedelta(days=30)),
        ("p4dT12h", timedelta(days=4, hours=12)),
        ("T16m", timedelta(minutes=16)),
        ("5y", timedelta(days=5 * 365)),
        ("P2M1W", timedelta(days=67)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "P", "an hour", "1H", "-P1D"])
def test_no_duration(text: str) -> None:
    with pytest.raises(AwsError, match="Invalid duration"):
        duration(text)
