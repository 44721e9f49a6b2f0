"""Every parameter of the review classifier reaches a step, and the step reads it."""

import json
from pathlib import Path

import pytest

from ml.contract.job import Job
from ml.features.prepare import PrepareSettings
from ml.pipeline.definition import GateStep, NativeStep, ParameterRef, ProgramStep
from ml.pipeline.fanout import fanned_out
from ml.pipeline.resolve import BadParameters, as_strings, resolve_arguments, resolve_parameters
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER as PIPELINE
from ml.training.settings import TrainSettings

NAMES = [parameter.name for parameter in PIPELINE.parameters]
GIVEN = {
    "fields": "text",
    "max_seq_length": 77,
    "split_method": "labs",
    "train_split_percentage": 0.7,
    "validation_split_percentage": 0.2,
    "test_split_percentage": 0.1,
    "balance_dataset": False,
    "train_rows": 1234,
    "sample": "square_root",
    "seed": 7,
    "shards": 5,
    "encoder": "/some/where",
    "epochs": 9,
    "learning_rate": 0.00033,
    "train_batch_size": 17,
    "train_steps_per_epoch": 11,
    "validation_batch_size": 19,
    "validation_steps_per_epoch": 13,
    "run_validation": False,
    "freeze_bert_layer": True,
    "frozen_layers": 5,
    "head": "label",
    "class_weights": "balanced",
    "prior_correction": 0.25,
    "layer_decay": 0.6,
    "label_smoothing": 0.15,
    "schedule": "constant",
    "warmup_share": 0.22,
    "weight_decay": 0.03,
    "dropout": 0.4,
    "precision": "float32",
    "min_accuracy_value": 0.61,
    "min_macro_f1_margin": 0.12,
    "model_approval_status": "Rejected",
}


def arguments(step: str, **given: object) -> dict[str, str]:
    found = PIPELINE.step(step)
    assert isinstance(found, ProgramStep)
    return as_strings(resolve_arguments(found.arguments, resolve_parameters(PIPELINE, given)))


def with_its_shares(name: str) -> dict[str, object]:
    """The shares of the split only mean something together."""
    if not name.endswith("_split_percentage"):
        return {name: GIVEN[name]}
    return {one: value for one, value in GIVEN.items() if one.endswith("_split_percentage")}


class Recording(dict[str, str]):
    """Arguments that remember which of them were read."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


def job(parameters: dict[str, str]) -> Job:
    return Job({}, parameters, Path(), Path(), Path())


def references() -> set[str]:
    found: set[str] = set()
    for step in PIPELINE.steps:
        if isinstance(step, ProgramStep | NativeStep):
            found |= {value.name for value in step.arguments.values() if isinstance(value, ParameterRef)}
            shards = step.shards if isinstance(step, ProgramStep) else 1
            found |= {shards.name} if isinstance(shards, ParameterRef) else set()
        elif isinstance(step, GateStep):
            found |= {one.right.name for one in step.conditions if isinstance(one.right, ParameterRef)}
    return found


def test_every_parameter_is_referred_to_by_a_step() -> None:
    assert references() == set(NAMES) == set(GIVEN)


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_overridden_at_launch_changes_what_its_steps_receive(name: str) -> None:
    value = GIVEN[name]
    assert value != PIPELINE.parameter(name).default
    resolved = resolve_parameters(PIPELINE, with_its_shares(name))
    received = False
    for step in PIPELINE.steps:
        if isinstance(step, GateStep):
            received |= any(one.right == ParameterRef(name) for one in step.conditions)
        elif ParameterRef(name) in step.arguments.values():
            received |= resolve_arguments(step.arguments, resolved)[name] == value
        elif isinstance(step, ProgramStep) and step.shards == ParameterRef(name):
            received |= len(fanned_out(PIPELINE, resolved).steps) == len(PIPELINE.steps) + int(str(value))
    assert received


@pytest.mark.parametrize(("step", "settings"), [("prepare", PrepareSettings), ("train", TrainSettings)])
def test_each_step_reads_every_argument_it_is_given(
    step: str, settings: type[PrepareSettings] | type[TrainSettings]
) -> None:
    recorded = Recording(arguments(step, **GIVEN))
    given = settings.from_job(job(recorded))
    assert set(recorded) - recorded.read <= {"encoder"}  # train hands it to the loader of encoders
    assert given != settings.from_job(job(arguments(step)))


@pytest.mark.parametrize("name", sorted(set(arguments("train")) - {"encoder"}))
def test_each_training_parameter_changes_the_settings(name: str) -> None:
    changed = TrainSettings.from_job(job(arguments("train", **{name: GIVEN[name]})))
    assert changed != TrainSettings.from_job(job(arguments("train")))


@pytest.mark.parametrize("name", sorted(set(arguments("prepare"))))
def test_each_feature_parameter_changes_the_settings(name: str) -> None:
    changed = PrepareSettings.from_job(job(arguments("prepare", **with_its_shares(name))))
    assert changed != PrepareSettings.from_job(job(arguments("prepare")))


@pytest.mark.parametrize("recipe", [recipe.name for recipe in PIPELINE.recipes])
def test_every_recipe_resolves_and_its_steps_accept_it(recipe: str) -> None:
    resolved = resolve_parameters(PIPELINE, {}, recipe)
    for name, settings in (("prepare", PrepareSettings), ("train", TrainSettings)):
        step = PIPELINE.step(name)
        assert isinstance(step, ProgramStep)
        settings.from_job(job(as_strings(resolve_arguments(step.arguments, resolved))))


def test_the_recipes_are_those_of_the_product() -> None:
    assert [recipe.name for recipe in PIPELINE.recipes] == ["quick", "standard", "best", "labs"]
    assert PIPELINE.default_recipe == "standard"
    labs = resolve_parameters(PIPELINE, {}, "labs")
    assert (labs["train_steps_per_epoch"], labs["epochs"], labs["learning_rate"]) == (50, 3, 1e-5)
    for name in ("quick", "standard", "best"):
        assert resolve_parameters(PIPELINE, {}, name)["train_steps_per_epoch"] == "all"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("max_seq_length", 4096),
        ("learning_rate", 1),
        ("head", "pooled"),
        ("train_rows", "some"),
        ("model_approval_status", "Approved"),
        ("seed", -1),
        ("balance_dataset", "perhaps"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(name: str, value: object) -> None:
    with pytest.raises(BadParameters, match=name):
        resolve_parameters(PIPELINE, {name: value})


def test_every_parameter_explains_itself() -> None:
    for parameter in PIPELINE.parameters:
        assert parameter.help.endswith("."), parameter.name
        assert parameter.group
    assert json.dumps(resolve_parameters(PIPELINE, {}))
