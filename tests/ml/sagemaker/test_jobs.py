"""What is sent to create a job, against the service's own shapes and what our programs print."""

import re
from dataclasses import replace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.contract.metrics import parse_line
from ml.hosts.arguments import LONGEST, BadArguments, as_arguments, of_arguments
from ml.pipeline.definition import Job
from ml.pipeline.sagemaker.jobs import METRICS, MOST_CHANNELS, JobSpec, create_request, metric_definitions
from ml.pipeline.sagemaker.names import LIMIT, job_name

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")  # of CreateProcessingJob and CreateTrainingJob
STORE = "s3://bucket/prefix"
SPEC = JobSpec(
    name="fittingroom-7-train-1-0123456789ab",
    kind="training",
    program="ml.steps.train",
    arguments={"epochs": "3", "encoder": "bundled"},
    channels={"features": f"{STORE}/inputs/ab"},
    code_uri=f"{STORE}/code/cd",
    output_uri=f"{STORE}/jobs/fittingroom-7-train-1-0123456789ab/output",
    checkpoint_uri=f"{STORE}/checkpoints/stp_1",
    instance_type="ml.m5.xlarge",
    instance_count=1,
    volume_gb=30,
    max_seconds=3600,
    spot=True,
    image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.10-cpu-py313",
    role_arn="arn:aws:iam::111122223333:role/FittingRoom",
    tags={"run": "7"},
    environment={"SM_NUM_CPUS": "1"},
    subnets=("subnet-0123",),
    security_groups=("sg-0123",),
)
OPERATIONS: dict[Job, str] = {"training": "CreateTrainingJob", "processing": "CreateProcessingJob"}

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")))


@pytest.fixture(scope="module")
def service() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def request(**changes: Any) -> dict[str, Any]:
    return create_request(replace(SPEC, **changes))


@pytest.mark.parametrize("kind", list(OPERATIONS))
def test_a_request_has_the_services_shape(service: Any, kind: Job) -> None:
    shape = service.operation_model(OPERATIONS[kind]).input_shape
    assert not ParamValidator().validate(request(kind=kind), shape).has_errors()


def test_training_output_goes_where_the_service_appends_the_jobs_name() -> None:
    assert request()["OutputDataConfig"] == {"S3OutputPath": f"{STORE}/jobs"}
    with pytest.raises(ValueError, match="must end in"):
        request(output_uri=f"{STORE}/elsewhere")


def test_an_inputs_prefix_is_not_that_of_its_neighbour() -> None:
    """``inputs/ab.complete`` stands beside ``inputs/ab/``."""
    sources = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in request()["InputDataConfig"]]
    assert sources == [f"{STORE}/code/cd/", f"{STORE}/inputs/ab/"]
    inputs = [each["S3Input"]["S3Uri"] for each in request(kind="processing")["ProcessingInputs"]]
    assert inputs == sources


def test_only_training_takes_spot_and_checkpoints() -> None:
    assert request()["EnableManagedSpotTraining"]
    assert request()["StoppingCondition"]["MaxWaitTimeInSeconds"] > SPEC.max_seconds
    assert "MaxWaitTimeInSeconds" not in request(spot=False)["StoppingCondition"]
    assert "CheckpointConfig" not in request(kind="processing")


@pytest.mark.parametrize("kind", list(OPERATIONS))
def test_more_inputs_than_the_service_takes_are_refused_here(kind: Job) -> None:
    channels = {f"shard_{number}": f"{STORE}/{number}" for number in range(MOST_CHANNELS[kind] + 1)}
    with pytest.raises(ValueError, match="at most"):
        request(kind=kind, channels=channels)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("val_loss: 0.6121", "validation:loss", "0.6121"),
        ("val_acc: 0.7443", "validation:accuracy", "0.7443"),
        ("[metric] step=120 val_loss=0.61 val_accuracy=0.8123 val_macro_f1=0.5", "validation:loss", "0.61"),
        ("[metric] step=120 val_loss=0.61 val_accuracy=0.8123", "validation:accuracy", "0.8123"),
        ("[metric] step=120 train_loss=5.32e-05", "train_loss", "5.32e-05"),
        ("[metric] step=120 val_loss=0.61 val_macro_f1=0.5", "val_macro_f1", "0.5"),
    ],
)
def test_metrics_are_read_from_the_labs_lines_and_from_ours(line: str, name: str, value: str) -> None:
    found = re.search(METRICS[name], line)
    assert found
    assert found[1] == value
    assert line.startswith("val") or parse_line(line)


def test_a_job_defines_no_more_metrics_than_the_service_takes() -> None:
    assert len(metric_definitions()) <= 40
    assert all(len(each["Regex"]) <= 500 for each in metric_definitions())


@settings(deadline=None)
@given(st.integers(1, 10**9), texts, st.text(min_size=1, max_size=40), st.integers(1, 10**6))
def test_a_jobs_name_is_one_whatever_the_step_is_called(
    number: int, step: str, step_id: str, fence: int
) -> None:
    name = job_name(number, step, step_id, fence)
    assert NAME.fullmatch(name)
    assert len(name) <= LIMIT
    assert name == job_name(number, step, step_id, fence)
    assert name != job_name(number, step, step_id, fence + 1)
    assert name != job_name(number, step, f"{step_id}x", fence)


def test_a_jobs_name_tells_a_person_whose_it_is() -> None:
    assert job_name(7, "prepare[2]", "stp_1", 3).startswith("fittingroom-7-prepare-2-3-")


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), st.text(max_size=700)))
def test_arguments_come_back_as_they_were_however_long(parameters: dict[str, str]) -> None:
    words = as_arguments(parameters)
    assert of_arguments(words) == parameters
    assert all(len(word) <= LONGEST for word in words)


@pytest.mark.parametrize("words", [["--a"], ["a", "1"], ["--a", "1", "b", "2"]])
def test_arguments_that_are_no_pairs_are_refused(words: list[str]) -> None:
    with pytest.raises(BadArguments):
        of_arguments(words)
