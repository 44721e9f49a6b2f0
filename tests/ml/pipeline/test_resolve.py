import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.pipeline.definition import Parameter, ParameterRef, ParameterValue, Pipeline, Recipe
from ml.pipeline.resolve import (
    BadParameters,
    as_strings,
    parse_value,
    resolve_arguments,
    resolve_parameters,
)

EPOCHS = Parameter("epochs", "integer", 3, "Passes.", "Training", low=1, high=100)
RATE = Parameter("learning_rate", "number", 1e-5, "Step size.", "Training", low=1e-7, high=0.01)
STEPS = Parameter("train_steps", "integer", "all", "Steps.", "Training", low=1, words=("all",))
FREEZE = Parameter("freeze", "boolean", False, "Freeze.", "Training")
FIELDS = Parameter("fields", "text", "text", "Fields.", "Features", choices=("text", "title_and_text"))
ENCODER = Parameter("encoder", "text", "bundled", "Encoder.", "Training")
LEFT = Parameter("left", "number", 0.9, "A share.", "Split", low=0, high=1)
RIGHT = Parameter("right", "number", 0.1, "A share.", "Split", low=0, high=1)
PIPELINE = Pipeline(
    name="p",
    parameters=(EPOCHS, RATE, STEPS, FREEZE, FIELDS, LEFT, RIGHT),
    inputs=(),
    steps=(),
    recipes=(Recipe("quick", "Fast.", {"epochs": 1, "freeze": True}),),
    shares=(("left", "right"),),
)


def problems(given: Mapping[str, object], recipe: str | None = None) -> dict[str, str]:
    with pytest.raises(BadParameters) as refused:
        resolve_parameters(PIPELINE, given, recipe)
    return {problem.parameter: problem.message for problem in refused.value.problems}


def test_the_default_gives_way_to_the_recipe_and_both_to_what_was_given() -> None:
    resolved = resolve_parameters(PIPELINE, {"epochs": "7"}, "quick")
    assert resolved["epochs"] == 7
    assert resolved["freeze"] is True
    assert resolved["learning_rate"] == 1e-5
    assert resolve_parameters(PIPELINE, {})["freeze"] is False


@pytest.mark.parametrize(
    ("parameter", "value", "parsed"),
    [
        (EPOCHS, "3", 3),
        (EPOCHS, 3.0, 3),
        (EPOCHS, "1e2", 100),
        (RATE, "2e-5", 2e-5),
        (RATE, 0.001, 0.001),
        (STEPS, "all", "all"),
        (STEPS, " all ", "all"),
        (STEPS, "50", 50),
        (STEPS, 2**53 + 1, 2**53 + 1),
        (FREEZE, "TRUE", True),
        (FREEZE, 0, False),
        (FREEZE, "no", False),
        (FIELDS, "title_and_text", "title_and_text"),
    ],
)
def test_values_come_as_json_or_as_the_text_of_a_form(
    parameter: Parameter, value: object, parsed: object
) -> None:
    assert parse_value(parameter, value) == parsed
    assert type(parse_value(parameter, value)) is type(parsed)


@pytest.mark.parametrize(
    ("parameter", "value", "says"),
    [
        (EPOCHS, 0, "between 1 and 100"),
        (EPOCHS, 101, "between 1 and 100"),
        (EPOCHS, 1.5, "a whole number"),
        (EPOCHS, "many", "a whole number"),
        (EPOCHS, True, "a whole number"),
        (EPOCHS, None, "a whole number"),
        (EPOCHS, [3], "a whole number"),
        (STEPS, "some", "a whole number or all"),
        (STEPS, 10**400, "a whole number"),
        (STEPS, 0, "at least 1"),
        (RATE, "nan", "a number"),
        (RATE, math.inf, "a number"),
        (RATE, 1, "between 1e-07 and 0.01"),
        (FREEZE, "maybe", "true or false"),
        (FREEZE, 2, "true or false"),
        (FIELDS, "title", "text or title_and_text"),
        (FIELDS, 5, "must be text"),
        (ENCODER, "a\0", "no text"),
        (ENCODER, "\ud800", "no text"),
        (ENCODER, "x" * 20_001, "longer than 20,000"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(parameter: Parameter, value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        parse_value(parameter, value)
    assert parameter.name in str(refused.value)


def test_all_problems_come_at_once() -> None:
    found = problems({"epochs": 0, "learning_rat": 1, "freeze": "x"})
    assert set(found) == {"epochs", "learning_rat", "freeze"}
    assert "Did you mean learning_rate?" in found["learning_rat"]


def test_an_unknown_recipe_is_named_beside_the_known_ones() -> None:
    assert "quick" in problems({}, "quik")["recipe"]


def test_shares_must_add_up_to_one() -> None:
    assert "left, right are 0.9 + 0.3" in problems({"right": 0.3})["left"]
    assert resolve_parameters(PIPELINE, {"left": 0.7, "right": 0.3})["right"] == 0.3


def test_arguments_reach_a_program_as_strings() -> None:
    parameters = resolve_parameters(PIPELINE, {"learning_rate": 2e-5, "freeze": True})
    references = {each.name: ParameterRef(each.name) for each in PIPELINE.parameters}
    strings = as_strings(resolve_arguments({**references, "fixed": 12}, parameters))
    assert strings["learning_rate"] == "2e-05"
    assert strings["freeze"] == "true"
    assert strings["train_steps"] == "all"
    assert strings["fixed"] == "12"


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.lists(st.integers())))
def test_no_value_whatever_does_more_than_be_refused(value: object) -> None:
    for parameter in PIPELINE.parameters:
        parsed = parsed_or_none(parameter, value)
        if parsed is not None:
            assert parse_value(parameter, as_strings({"x": parsed})["x"]) == parsed


def parsed_or_none(parameter: Parameter, value: object) -> ParameterValue | None:
    try:
        return parse_value(parameter, value)
    except ValueError:
        return None
