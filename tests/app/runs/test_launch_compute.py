"""Where a launch says that its steps run: what each step's row is told, and what is refused in words."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.integrations.aws.errors import CloudNotSetUp
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.launch_compute import ComputeRefused, NotPortable, known_instances
from app.runs.queries import RunDetail, run_detail
from app.runs.tables import Step
from ml.pipeline.catalogue import PIPELINES
from tests.app.runs.cloud_settings import set_up
from tests.app.runs.staging import SilentMessenger, Stage


@pytest.fixture
def cloud(services: Services) -> None:
    set_up(services)


def launched(services: Services, pipeline: str = "review-classifier", **request: Any) -> RunDetail:
    inputs = dict.fromkeys(PIPELINES[pipeline].inputs, "0" * 64)
    with services.works.writing() as work:
        launcher = RunLauncher(PIPELINES, SilentMessenger())
        run = launcher.start(work, LaunchRequest(pipeline, "usr_1", inputs, **request))
        detail = run_detail(work.session, run.id)
    assert detail is not None
    return detail


def where(steps: list[Step] | Any) -> dict[str, tuple[str, str, str] | None]:
    """Kind, queue and instance type of what leaves this installation; None for what stays."""
    found = {}
    for step in steps:
        compute = step.spec["compute"]
        found[step.name] = (step.kind, step.queue, compute["instance_type"]) if compute else None
    return found


def test_without_a_word_everything_stays_here(services: Services) -> None:
    detail = launched(services)
    assert detail.run.compute == "local"
    assert set(where(detail.steps).values()) == {None}


@pytest.mark.usefixtures("cloud")
def test_every_program_goes_to_sagemaker_and_what_decides_stays(services: Services) -> None:
    detail = launched(services, compute="sagemaker")
    assert detail.run.compute == "sagemaker"
    processing = ("sagemaker", "io", "ml.m5.xlarge")
    assert where(detail.steps) == {
        "prepare": processing,
        "train": ("sagemaker", "io", "ml.g5.xlarge"),
        "evaluate": processing,
        "gate": None,
        "register": None,
    }
    train = detail.step("train")
    assert train is not None
    assert train.spec["compute"] == {
        "host": "sagemaker",
        "job": "training",
        "instance_type": "ml.g5.xlarge",
        "instance_count": 1,
        "volume_gb": 30,
        "spot": True,
        "max_seconds": train.spec["deadline_seconds"],
    }
    prepare = detail.step("prepare")
    assert prepare is not None
    assert (prepare.spec["compute"]["spot"], prepare.spec["cached"]) == (False, True)


@pytest.mark.usefixtures("cloud")
def test_one_run_mixes_both(services: Services) -> None:
    detail = launched(services, computes={"train": "sagemaker"}, instance_types={"train": "ml.c5.9xlarge"})
    assert detail.run.compute == "local"
    assert {name: found for name, found in where(detail.steps).items() if found} == {
        "train": ("sagemaker", "io", "ml.c5.9xlarge")
    }
    detail = launched(services, compute="sagemaker", computes={"prepare": "local"})
    assert [name for name, found in where(detail.steps).items() if found] == ["train", "evaluate"]


@pytest.mark.usefixtures("cloud")
def test_shards_go_where_their_step_goes_and_are_merged_here(services: Services) -> None:
    detail = launched(services, computes={"prepare": "sagemaker"}, parameters={"shards": 2})
    away = [name for name, found in where(detail.steps).items() if found]
    assert away == ["prepare[1]", "prepare[2]"]
    whole = launched(services, compute="sagemaker-pipeline", parameters={"shards": 2})
    counts = [step.spec["compute"]["instance_count"] for step in whole.steps if step.runs_program]
    assert (len(whole.steps), counts) == (5, [2, 1, 1])


@pytest.mark.usefixtures("cloud")
def test_in_a_pipeline_there_its_own_cache_decides(services: Services) -> None:
    detail = launched(services, compute="sagemaker-pipeline")
    programs = [step for step in detail.steps if step.runs_program]
    assert [step.spec["compute"]["host"] for step in programs] == ["sagemaker-pipeline"] * 3
    assert [step.spec["cached"] for step in programs] == [False] * 3


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    ("request_", "field", "said"),
    [
        ({"compute": "moon"}, "compute", "There is no compute 'moon'"),
        ({"computes": {"trian": "sagemaker"}}, "computes.trian", "Did you mean train?"),
        ({"computes": {"gate": "sagemaker"}}, "computes.gate", "it is decided here"),
        ({"computes": {"train": "moon"}}, "computes.train", "can't run on 'moon'"),
        (
            {"compute": "sagemaker-pipeline", "computes": {"train": "local"}},
            "computes.train",
            "runs as a whole",
        ),
        (
            {"compute": "sagemaker", "instance_types": {"train": "ml.g5.xlarg"}},
            "instance_types.train",
            "Did you mean ml.g5",
        ),
        ({"instance_types": {"train": "ml.g5.xlarge"}}, "instance_types.train", "of no use"),
        (
            {
                "compute": "sagemaker-pipeline",
                "instance_types": {"prepare": "ml.m5.xlarge", "evaluate": "ml.m5.large"},
            },
            "compute",
            "prepare and evaluate run on one instance type",
        ),
        ({"compute": "sagemaker", "instance_types": {"x": "ml.g5.xlarge"}}, "instance_types.x", "no step"),
    ],
    ids=lambda value: value if isinstance(value, str) else "asked",
)
def test_what_cannot_be_is_refused_in_words(
    services: Services, request_: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(ComputeRefused, match=said.replace("?", r"\?")) as refusal:
        launched(services, **request_)
    assert list(refusal.value.details["problems"]) == [field]  # type: ignore[call-overload]


@pytest.mark.usefixtures("cloud")
def test_an_import_stays_where_the_upload_lies(services: Services) -> None:
    with pytest.raises(NotPortable, match="on this installation only"):
        launched(services, "dataset-import", compute="sagemaker")


def test_without_a_cloud_the_advice_says_who_sets_it_up(services: Services) -> None:
    with pytest.raises(CloudNotSetUp) as refusal:
        launched(services, computes={"train": "sagemaker"})
    assert "Settings, Cloud" in refusal.value.advice


def test_instance_types_are_those_of_the_service_by_kind_of_job() -> None:
    assert "ml.g5.xlarge" in known_instances("training") & known_instances("processing")
    assert "ml.trn1.2xlarge" in known_instances("training") - known_instances("processing")


@pytest.mark.usefixtures("cloud")
def test_rest_takes_and_shows_it(stage: Stage, as_role: Callable[..., TestClient]) -> None:
    stage.dataset()
    editor = as_role("editor")
    body = {
        "dataset": "clothing",
        "recipe": "quick",
        "computes": {"train": "sagemaker"},
        "instance_types": {"train": "ml.m5.xlarge"},
    }
    run = editor.post("/api/v1/runs", json=body)
    assert run.status_code == 201, run.text
    assert run.json()["compute"] == "local"
    refused = editor.post(
        "/api/v1/runs", json={**body, "computes": {"gate": "sagemaker", "train": "sagemaker"}}
    )
    assert (refused.status_code, list(refused.json()["problems"])) == (422, ["computes.gate"])
    odd = editor.post("/api/v1/runs", json={**body, "compute": "moon"})
    assert odd.status_code == 422
