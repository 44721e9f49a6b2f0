"""The executions of a pipeline at SageMaker, as the simulator lists them: ours, and somebody's at AWS."""

import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.core.settings import Settings
from app.integrations.aws.resources import note_resource
from tests.app.runs.staging import Stage
from tests.programs.aws_toys import set_up
from tests.programs.cloud import Simulator
from tests.reading import shown

DEFINITION = {
    "Version": "2020-12-01",
    "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no data today"}}],
}


@pytest.fixture
def settings(settings: Settings, simulator: Simulator) -> Settings:
    return settings.model_copy(update={"aws_endpoint": simulator.endpoint})


@pytest.fixture
def viewer(browser_as: Callable[..., TestClient]) -> TestClient:
    return browser_as("viewer", "vera")


def started(simulator: Simulator, name: str, token: str) -> str:
    client = simulator.client("sagemaker")
    arn = client.start_pipeline_execution(
        PipelineName=name, PipelineExecutionDisplayName=token, ClientRequestToken=token.ljust(32, "x")
    )["PipelineExecutionArn"]
    simulator.until(
        lambda: client.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"],
        lambda status: status == "Failed",
    )
    return str(arn)


def test_ours_and_somebodys_stand_in_one_list(
    simulator: Simulator, stage: Stage, services: Services, viewer: TestClient
) -> None:
    set_up(services, simulator)
    name = "fittingroom-review-classifier-listed"
    simulator.client("sagemaker").create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(DEFINITION),
        RoleArn=simulator.role_arn,
        ClientRequestToken="y" * 32,
    )
    ours, _ = started(simulator, name, "ours"), started(simulator, name, "theirs")
    run_id = stage.launch(stage.dataset())
    with services.works.writing() as work:
        note_resource(
            work, "pipeline-execution", f"{name}/ours", arn=ours, region="us-east-1", subject_id=run_id
        )
    page = shown(viewer, "/pipelines/review-classifier/executions")
    rows = [row.text for row in page.all("tbody tr") if name in row.text]
    by_us = [row for row in rows if "run #1" in row]
    by_others = [row for row in rows if "somebody at AWS" in row]
    assert (len(by_us), len(by_others), "ours" in by_us[0]) == (1, 1, True)
    assert "theirs" in by_others[0]
    assert "Stop failed" in by_others[0]
    simulator.fail("ListPipelines", "AccessDeniedException", message="User is not authorized")
    refused = shown(viewer, "/pipelines/review-classifier/executions")
    assert "sagemaker:ListPipelines" in refused.said(".notice.warn")


def test_without_a_cloud_the_page_says_who_sets_it_up(viewer: TestClient) -> None:
    page = shown(viewer, "/pipelines/review-classifier/executions")
    assert "Settings, Cloud" in page.said(".notice.warn")
    assert page.all("table") == []
