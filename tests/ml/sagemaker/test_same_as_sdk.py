"""Our compiled pipeline says what the SDK's would: the labs' pipeline, built with its classes, beside ours.

Compared leaf by leaf, after both were read from JSON. What differs is listed here with its reason, and a
difference that went away fails as one that is new does.
"""

import json
from pathlib import Path
from typing import Any

from ml.pipeline.definition import ParameterRef, ProgramStep
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER
from ml.pipeline.sagemaker.jobs import metric_definitions
from ml.pipeline.sagemaker.parameters import pascal
from ml.pipeline.sagemaker.serving import CONTENT_TYPES
from tests.ml.sagemaker.definitions import TARGET, leaves, shown_definition
from tests.programs.sdk import REGION, run_with_sdk, sdk_environment

SCRIPT = Path(__file__).parents[1] / "sagemaker_sdk/labs_pipeline.py"
MISSING = "(nothing)"
REGISTER = "/Steps/AccuracyCondition/Arguments/IfSteps/RegisterModel/Arguments"
CREATE = "/Steps/AccuracyCondition/Arguments/IfSteps/CreateModel/Arguments"
TRAIN = "/Steps/Train/Arguments"
START = "/opt/ml/input/data/code/start.py"
CONTAINER = f"{REGISTER}/InferenceSpecification/Containers/0/Environment"

# By path: what ours says, what the SDK's says.
OURS_RUNS_OUR_ENTRY = {  # ModelTrainer starts a script that it uploads itself; we start our bundle's
    f"{TRAIN}/AlgorithmSpecification/ContainerEntrypoint/0": ("python3", MISSING),
    f"{TRAIN}/AlgorithmSpecification/ContainerEntrypoint/1": (START, MISSING),
    f"{TRAIN}/AlgorithmSpecification/ContainerArguments/0": ("ml.steps.train", MISSING),
}
SDK_TAKES_NO_PARAMETER_HERE = {  # so there an override would not reach the step
    f"{TRAIN}/AlgorithmSpecification/TrainingInputMode/Get": ("Parameters.InputMode", MISSING),
    f"{TRAIN}/AlgorithmSpecification/TrainingInputMode": (MISSING, "File"),
    f"{TRAIN}/ResourceConfig/VolumeSizeInGB/Get": ("Parameters.TrainVolumeSize", MISSING),
    f"{TRAIN}/ResourceConfig/VolumeSizeInGB": (MISSING, 256),
}
SDK_WRITES_DEFAULTS = {  # of the service, or without any content
    "/MlflowConfig": (MISSING, None),
    f"{TRAIN}/OutputDataConfig/CompressionType": (MISSING, "GZIP"),
    f"{REGISTER}/ModelMetrics/Bias": (MISSING, {}),
    f"{REGISTER}/ModelMetrics/Explainability": (MISSING, {}),
    f"{REGISTER}/SkipModelValidation": (MISSING, "None"),
    f"{CREATE}/PrimaryContainer/Environment": (MISSING, {}),
}
SDK_NAMES_A_SCRIPT = {  # for its inference toolkit; our archive brings its own server
    f"{CONTAINER}/SAGEMAKER_PROGRAM": (MISSING, ""),
    f"{CONTAINER}/SAGEMAKER_SUBMIT_DIRECTORY": (MISSING, ""),
    f"{CONTAINER}/SAGEMAKER_CONTAINER_LOG_LEVEL": (MISSING, "20"),
    f"{CONTAINER}/SAGEMAKER_REGION": (MISSING, REGION),
}
ALLOWED = OURS_RUNS_OUR_ENTRY | SDK_TAKES_NO_PARAMETER_HERE | SDK_WRITES_DEFAULTS | SDK_NAMES_A_SCRIPT


def parameter_of(step: str) -> dict[str, str]:
    """Which parameter each argument takes, from our own definition, not from what it compiles to."""
    program = REVIEW_CLASSIFIER.step(step)
    assert isinstance(program, ProgramStep)
    return {
        name: pascal(value.name)
        for name, value in program.arguments.items()
        if isinstance(value, ParameterRef)
    }


def facts() -> dict[str, Any]:
    return {
        "region": REGION,
        "role": TARGET.role_arn,
        "processing_image": TARGET.processing_image,
        "training_image": TARGET.training_image,
        "serving_image": TARGET.serving_image,
        "output_uri": TARGET.output_uri,
        "package_group": TARGET.package_group,
        "code": dict(TARGET.code),
        "parameters": shown_definition()["Parameters"],
        "arguments": {step: parameter_of(step) for step in ("prepare", "train", "evaluate")},
        "metrics": metric_definitions(),
        "content_types": list(CONTENT_TYPES),
    }


def test_the_definition_is_the_sdks_but_for_what_is_listed(tmp_path: Path) -> None:
    answer = run_with_sdk(SCRIPT, sdk_environment(tmp_path), json.dumps(facts()))
    ours, theirs = dict(leaves(json.loads(json.dumps(shown_definition())))), dict(leaves(json.loads(answer)))
    different = {
        path: (ours.get(path, MISSING), theirs.get(path, MISSING))
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path, MISSING) != theirs.get(path, MISSING)
    }
    assert different == ALLOWED
    assert len(ours) > 300  # it is the whole pipeline that was compared
