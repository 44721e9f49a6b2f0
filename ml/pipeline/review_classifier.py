"""The review classifier: prepare, train, evaluate, gate, register."""

from ml.pipeline.definition import (
    Argument,
    Condition,
    GateStep,
    NativeStep,
    ParameterRef,
    Pipeline,
    ProgramStep,
    Property,
    RunInput,
    StepOutput,
)
from ml.pipeline.review_parameters import (
    EVALUATION_PARAMETERS,
    FEATURE_PARAMETERS,
    SHARDS,
    TRAINING_PARAMETERS,
)
from ml.pipeline.review_recipes import RECIPES


def _refs(*names: str) -> dict[str, Argument]:
    return {name: ParameterRef(name) for name in names}


_PREPARE = ("encoder", *(parameter.name for parameter in FEATURE_PARAMETERS))
_TRAIN = ("seed", *(parameter.name for parameter in TRAINING_PARAMETERS))

STEPS = (
    ProgramStep(
        "prepare",
        "ml.steps.prepare",
        _refs(*_PREPARE),
        {"dataset": RunInput("dataset")},
        shards=ParameterRef(SHARDS.name),
        merge="ml.steps.prepare_merge",
    ),
    ProgramStep(
        "train",
        "ml.steps.train",
        _refs(*_TRAIN),
        {"features": StepOutput("prepare")},
        queue="gpu",
        job="training",
    ),
    ProgramStep(
        "evaluate",
        "ml.steps.evaluate",
        _refs("seed"),
        {"model": StepOutput("train", "model"), "features": StepOutput("prepare")},
    ),
    GateStep(
        "gate",
        (
            Condition(
                Property("evaluate", "evaluation.json", "metrics.accuracy.value"),
                ">=",
                ParameterRef("min_accuracy_value"),
                "accuracy",
            ),
            Condition(
                Property("evaluate", "evaluation.json", "chance.macro_f1_margin"),
                ">=",
                ParameterRef("min_macro_f1_margin"),
                "macro-F1's margin over guessing",
            ),
        ),
        if_passed=("register",),
    ),
    NativeStep(
        "register",
        "register",
        _refs("model_approval_status"),
        {
            "dataset": RunInput("dataset"),
            "features": StepOutput("prepare"),
            "model": StepOutput("train", "model"),
            "evaluation": StepOutput("evaluate"),
        },
    ),
)

REVIEW_CLASSIFIER = Pipeline(
    name="review-classifier",
    parameters=(*FEATURE_PARAMETERS, SHARDS, *TRAINING_PARAMETERS, *EVALUATION_PARAMETERS),
    inputs=("dataset",),
    steps=STEPS,
    recipes=RECIPES,
    default_recipe="standard",
    shares=(("train_split_percentage", "validation_split_percentage", "test_split_percentage"),),
)
