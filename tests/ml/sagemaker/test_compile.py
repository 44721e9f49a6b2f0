"""Every parameter of the labs, and every override at its step."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ml.pipeline.definition import ParameterValue, ProgramStep
from ml.pipeline.resolve import resolve_parameters
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER
from ml.pipeline.sagemaker.compile import (
    NotCompilable,
    Target,
    parameter_values,
    pipeline_definition,
)
from simulator.pipelines.definition import parsed
from simulator.pipelines.expressions import Path, references
from tests.ml.sagemaker.definitions import DRAWN, SHOWN, TARGET, drawn, shown_definition, written
from tests.programs.pipelines import CHAIN, SIGNED, TOYS

# As seed-labs.md lists them: the names and defaults of the course's pipeline notebook.
LABS: dict[str, ParameterValue] = {
    "ProcessingInstanceCount": 1,
    "ProcessingInstanceType": "ml.c5.2xlarge",
    "MaxSeqLength": 128,
    "BalanceDataset": "True",
    "TrainSplitPercentage": 0.9,
    "ValidationSplitPercentage": 0.05,
    "TestSplitPercentage": 0.05,
    "FeatureStoreOfflinePrefix": "",
    "FeatureGroupName": "",
    "Epochs": 3,
    "LearningRate": 1e-5,
    "TrainBatchSize": 64,
    "TrainStepsPerEpoch": "50",  # "all" is a value of ours, so these two are strings
    "ValidationBatchSize": 64,
    "ValidationStepsPerEpoch": "50",
    "FreezeBertLayer": "False",
    "Seed": 42,
    "TrainInstanceCount": 1,
    "TrainInstanceType": "ml.c5.9xlarge",
    "TrainVolumeSize": 256,
    "InputMode": "File",
    "RunValidation": "True",
    "MinAccuracyValue": 0.33,
    "ModelApprovalStatus": "PendingManualApproval",
    "DeployInstanceType": "ml.m5.large",
    "DeployInstanceCount": 1,
}


def steps_of(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Those behind a condition too."""
    found = {step["Name"]: step for step in definition["Steps"]}
    inner = [each for step in definition["Steps"] for each in step["Arguments"].get("IfSteps", [])]
    return found | {step["Name"]: step for step in inner}


def parameters_read_by(step: dict[str, Any]) -> set[str]:
    own = {name: value for name, value in step["Arguments"].items() if name != "IfSteps"}
    paths: list[Path] = list(references(own))
    return {str(path[1]) for path in paths if path[0] == "Parameters"}


def test_the_labs_parameters_have_the_labs_defaults() -> None:
    found = {each["Name"]: each["DefaultValue"] for each in shown_definition()["Parameters"]}
    assert {name: found.get(name) for name in LABS} == LABS
    assert found["InputData"] == TARGET.input_data


def test_every_parameter_reaches_a_step() -> None:
    definition = shown_definition()
    read = set().union(*(parameters_read_by(step) for step in steps_of(definition).values()))
    assert read == {each["Name"] for each in definition["Parameters"]}


@pytest.mark.parametrize(
    ("step", "parameters"),
    [
        (
            "Processing",
            {"InputData", "MaxSeqLength", "BalanceDataset", "TrainSplitPercentage", "FeatureGroupName"},
        ),
        ("Train", {"Epochs", "LearningRate", "TrainInstanceType", "TrainVolumeSize", "InputMode", "Seed"}),
        ("EvaluateModel", {"Seed", "ProcessingInstanceType"}),
        ("AccuracyCondition", {"MinAccuracyValue", "MinMacroF1Margin"}),
        ("RegisterModel", {"ModelApprovalStatus", "DeployInstanceType", "DeployInstanceCount"}),
    ],
)
def test_an_override_reaches_its_step(step: str, parameters: set[str]) -> None:
    assert parameters <= parameters_read_by(steps_of(shown_definition())[step])


def test_arguments_are_texts_whatever_a_parameter_is() -> None:
    steps = steps_of(shown_definition())
    train = steps["Train"]["Arguments"]["HyperParameters"]
    assert train["epochs"] == {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}}
    assert train["encoder"] == {"Get": "Parameters.Encoder"}
    words = steps["Processing"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert words[0] == "ml.steps.prepare"
    assert words[words.index("--max_seq_length") + 1]["Std:Join"]["Values"] == [
        {"Get": "Parameters.MaxSeqLength"}
    ]


def test_a_runs_values_are_its_defaults() -> None:
    values = resolve_parameters(REVIEW_CLASSIFIER, {"epochs": 7, "train_rows": "all"}, "quick")
    definition = pipeline_definition(REVIEW_CLASSIFIER, TARGET, values)
    found = {each["Name"]: each["DefaultValue"] for each in definition["Parameters"]}
    assert (found["Epochs"], found["TrainRows"], found["BalanceDataset"]) == (7, "all", "False")


def test_values_for_an_execution_are_named_texts() -> None:
    given = parameter_values(
        {"learning_rate": 1e-5, "balance_dataset": False, "shards": 2}, InputData="s3://b/x/"
    )
    assert given == [
        {"Name": "BalanceDataset", "Value": "False"},
        {"Name": "InputData", "Value": "s3://b/x/"},
        {"Name": "LearningRate", "Value": "1e-05"},
        {"Name": "ProcessingInstanceCount", "Value": "2"},
    ]


def test_an_executions_values_are_all_parameters_of_the_definition() -> None:
    values = resolve_parameters(REVIEW_CLASSIFIER, {})
    known = {each["Name"] for each in shown_definition()["Parameters"]}
    assert {each["Name"] for each in parameter_values(values)} <= known


def test_the_same_pipeline_is_the_same_text() -> None:
    assert written(shown_definition()) == written(shown_definition())


@pytest.mark.parametrize("cache", ["PT1H", "P30D", ""])
def test_how_long_earlier_work_counts_is_settable(cache: str) -> None:
    steps = steps_of(pipeline_definition(REVIEW_CLASSIFIER, replace(TARGET, cache=cache)))
    expected = {"Enabled": True, "ExpireAfter": cache} if cache else None
    assert {
        steps[name].get("CacheConfig", None) == expected for name in ("Processing", "Train", "EvaluateModel")
    } == {True}


def test_spot_training_keeps_its_checkpoints_and_waits() -> None:
    train = steps_of(pipeline_definition(REVIEW_CLASSIFIER, replace(TARGET, spot=True)))["Train"]["Arguments"]
    assert train["EnableManagedSpotTraining"]
    assert train["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    stopping = train["StoppingCondition"]
    assert stopping["MaxWaitTimeInSeconds"] > stopping["MaxRuntimeInSeconds"]


@pytest.mark.parametrize("pipeline", [TOYS, CHAIN, SIGNED], ids=lambda pipeline: pipeline.name)
def test_other_pipelines_compile_too(pipeline: Any) -> None:
    programs = {step.program for step in pipeline.steps if isinstance(step, ProgramStep)}
    target: Target = replace(TARGET, code=dict.fromkeys(programs, "s3://bucket/code/"))
    read = parsed(json.dumps(pipeline_definition(pipeline, target)))
    assert len(read.steps) >= len(pipeline.steps)


def test_a_gate_needs_a_file_that_the_service_can_read() -> None:
    train = REVIEW_CLASSIFIER.step("evaluate")
    assert isinstance(train, ProgramStep)
    steps = tuple(
        replace(train, job="training") if step is train else step for step in REVIEW_CLASSIFIER.steps
    )
    with pytest.raises(NotCompilable):
        pipeline_definition(replace(REVIEW_CLASSIFIER, steps=steps), TARGET)


def test_the_documents_show_what_is_compiled() -> None:
    definition = shown_definition()
    again = "run: python -m tests.ml.sagemaker.definitions"
    assert SHOWN.read_text(encoding="utf-8") == written(definition), again
    text = DRAWN.read_text(encoding="utf-8")
    assert text == drawn(text, definition), again
