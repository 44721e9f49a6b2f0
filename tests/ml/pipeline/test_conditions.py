import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.pipeline.conditions import Check, PropertyMissing, read_property, verdict

DOCUMENT = b'{"metrics": {"accuracy": {"value": 0.31, "none": null, "word": "high", "flag": true}}}'


def test_a_number_is_read_at_its_dotted_path() -> None:
    assert read_property(DOCUMENT, "metrics.accuracy.value") == 0.31
    assert math.isnan(read_property(DOCUMENT, "metrics.accuracy.none"))


@pytest.mark.parametrize(
    "path", ["metrics", "metrics.f1.value", "metrics.accuracy.word", "metrics.accuracy.flag"]
)
def test_anything_but_a_number_is_missing(path: str) -> None:
    with pytest.raises(PropertyMissing):
        read_property(DOCUMENT, path)


@pytest.mark.parametrize(
    ("comparison", "equal", "reason"),
    [
        (">=", True, "is below"),
        (">", False, "is not above"),
        ("<=", True, "is above"),
        ("<", False, "is not below"),
    ],
)
def test_each_comparison_at_its_edge(comparison: str, equal: bool, reason: str) -> None:
    assert Check("x", 0.5, comparison, 0.5).passed is equal  # type: ignore[arg-type]
    failing = 0.4 if comparison.startswith(">") else 0.6
    check = Check("x", failing, comparison, 0.5)  # type: ignore[arg-type]
    assert not check.passed
    assert check.reason == f"x {failing} {reason} 0.5"


def test_a_gate_passes_only_when_every_check_does_and_names_those_that_do_not() -> None:
    good, bad = Check("accuracy", 0.9, ">=", 0.8), Check("macro-F1", 0.5, ">=", 0.6)
    assert verdict([good])["passed"] is True
    result = verdict([good, bad])
    assert result["passed"] is False
    assert result["reasons"] == ["macro-F1 0.5 is below 0.6"]


def test_what_is_not_a_number_never_opens_a_gate() -> None:
    for comparison in (">=", ">", "<=", "<"):
        check = Check("accuracy", math.nan, comparison, 0.0)  # type: ignore[arg-type]
        assert not check.passed
        assert verdict([check])["reasons"] == ["accuracy is not a number"]


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_a_reason_never_shows_two_equal_numbers(value: float, threshold: float) -> None:
    check = Check("x", value, ">=", threshold)
    if not check.passed:
        left, right = check.reason.removeprefix("x ").split(" is below ")
        assert left != right
