"""An override at launch reaches the step that the parameter is for: the labs' pipeline lost them silently."""

import pytest

from app.runs.spec import spec_of
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import GateStep, Parameter, ParameterRef, ParameterValue, Pipeline, ProgramStep
from ml.pipeline.fanout import fanned_out
from ml.pipeline.resolve import as_strings, resolve_parameters

CLASSIFIER = PIPELINES["review-classifier"]


def other_value(parameter: Parameter) -> ParameterValue:
    """A value that is allowed and is not the default."""
    if parameter.type == "boolean":
        return not parameter.default
    if parameter.choices:
        return next(choice for choice in parameter.choices if choice != parameter.default)
    if parameter.type == "text":
        return f"{parameter.default}-other"
    low = 0 if parameter.low is None else parameter.low
    high = low + 1000 if parameter.high is None else parameter.high
    middle = (low + high) / 2
    value = int(middle) if parameter.type == "integer" else middle
    if value != parameter.default:
        return value
    return value + 1 if parameter.type == "integer" else (low + middle) / 2


def without_shares(pipeline: Pipeline) -> Pipeline:
    return Pipeline(pipeline.name, pipeline.parameters, pipeline.inputs, pipeline.steps, pipeline.recipes)


@pytest.mark.parametrize("parameter", CLASSIFIER.parameters, ids=lambda each: each.name)
def test_an_override_reaches_every_step_that_names_the_parameter(parameter: Parameter) -> None:
    value = other_value(parameter)
    parameters = resolve_parameters(without_shares(CLASSIFIER), {parameter.name: value})
    reached = 0
    for step in CLASSIFIER.steps:
        spec = spec_of(CLASSIFIER, step, parameters)
        if isinstance(step, GateStep):
            named = [c for c in step.conditions if c.right == ParameterRef(parameter.name)]
            thresholds = [c.threshold for c in spec.conditions if c.label in {each.label for each in named}]
            assert thresholds == [value] * len(named)
            reached += len(named)
            continue
        if isinstance(step, ProgramStep) and step.shards == ParameterRef(parameter.name):
            walked = fanned_out(CLASSIFIER, parameters)
            shards = [
                one for one in walked.steps if isinstance(one, ProgramStep) and one.part_of == step.name
            ]
            told = [spec_of(walked, one, parameters).arguments["shards"] for one in shards]
            assert told == [value] * int(str(value))
            reached += 1
        names = [n for n, a in step.arguments.items() if a == ParameterRef(parameter.name)]
        assert [spec.arguments[name] for name in names] == [value] * len(names)
        assert [as_strings(spec.arguments)[n] for n in names] == [as_strings({"v": value})["v"]] * len(names)
        reached += len(names)
    assert reached, f"no step is given {parameter.name}"


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=lambda each: each.name)
def test_every_recipe_resolves_and_every_default_is_allowed(pipeline: Pipeline) -> None:
    assert resolve_parameters(pipeline, {})
    for recipe in pipeline.recipes:
        assert recipe.values.items() <= resolve_parameters(pipeline, {}, recipe.name).items()


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=lambda each: each.name)
def test_a_definition_is_in_an_order_in_which_it_can_run(pipeline: Pipeline) -> None:
    parameters = resolve_parameters(pipeline, {})
    seen: set[str] = set()
    for step in pipeline.steps:
        spec = spec_of(pipeline, step, parameters)
        assert {*spec.needs, *spec.gates} <= seen
        seen.add(step.name)
        for source in spec.inputs.values():
            assert source.run_input is None or source.run_input in pipeline.inputs
        assert isinstance(step, ProgramStep) == (spec.program is not None)
