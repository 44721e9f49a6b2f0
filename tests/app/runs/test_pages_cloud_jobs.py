"""What a run's page says of its jobs at AWS, of rows as the workers leave them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.runs import queries
from app.runs.cloud.tables import CloudJob
from app.runs.launch import LaunchRequest, RunLauncher
from ml.pipeline.catalogue import PIPELINES
from tests.app.runs.cloud_settings import set_up
from tests.app.runs.staging import Stage
from tests.reading import Page, shown

START = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
REASON = "AlgorithmError: The data are not good., exit code: 65"


@pytest.fixture
def viewer(browser_as: Callable[..., TestClient]) -> TestClient:
    return browser_as("viewer", "vera")


def launched(stage: Stage, services: Services, **request: Any) -> str:
    set_up(services, region="eu-central-1")
    tree = stage.tree({"reviews.parquet": b"reviews"})
    wanted = LaunchRequest("review-classifier", stage.actor_id, {"dataset": tree}, {}, "quick", **request)
    with services.works.writing() as work:
        return RunLauncher(PIPELINES, stage.messenger).start(work, wanted).id


def job(services: Services, run_id: str, step: str, number: int = 1, **changes: Any) -> None:
    with services.works.writing() as work:
        found = next(each for each in queries.steps_of(work.session, run_id) if each.name == step)
        row = CloudJob(
            id=f"cj_{step}_{number}", run_id=run_id, step_id=found.id, fence=number, attempt=number
        )
        row.host, row.kind, row.name = "sagemaker", "training", f"fittingroom-1-{step}-{number}"
        row.region, row.instance_type, row.max_seconds = "eu-central-1", "ml.g5.xlarge", 3600
        row.arn, row.price_per_hour, row.status, row.spot = f"arn:aws:{step}", 1.5, "InProgress", True
        row.created_at, row.started_at, row.facts = START, START, {}
        for name, value in changes.items():
            setattr(row, name, value)
        work.session.add(row)


def facts(page: Page) -> dict[str, str]:
    return {row.one("dt").text: row.one("dd").text for row in page.all("[id=run-step] dl.dl div")}


def test_a_step_says_where_it_runs_before_there_is_a_job(
    stage: Stage, services: Services, viewer: TestClient
) -> None:
    run_id = launched(stage, services, compute="sagemaker", instance_types={"train": "ml.c5.xlarge"})
    page = shown(viewer, f"/runs/{run_id}?step=train")
    assert "SageMaker, ml.c5.xlarge" in page.said("[id=run-steps]")
    assert "on SageMaker" in page.said(".meta")
    assert facts(page) == {}


def test_a_running_job_shows_its_name_what_aws_says_and_what_it_costs_so_far(
    stage: Stage, services: Services, viewer: TestClient
) -> None:
    run_id = launched(stage, services, compute="sagemaker")
    job(services, run_id, "train", phase="Downloading")
    page = shown(viewer, f"/runs/{run_id}?step=train")
    told = facts(page)
    assert told["Runs on"] == "SageMaker training job in eu-central-1"
    assert told["Instance"] == "ml.g5.xlarge, spot"
    assert told["AWS says"] == "running: it fetches its inputs"
    assert told["Expected"] == "no earlier job on this instance type"
    assert "so far" in told["Cost"]
    link = page.one("[id=run-step] a[rel=noreferrer]")["href"]
    assert link.startswith(
        "https://eu-central-1.console.aws.amazon.com/sagemaker/home?region=eu-central-1#/jobs/"
    )
    assert "Cost at AWS none yet 1 job not yet over" in page.said("dl.stats")


def test_expected_and_actual_cost_stand_side_by_side(
    stage: Stage, services: Services, viewer: TestClient
) -> None:
    run_id = launched(stage, services, compute="sagemaker")
    done = {"status": "Completed", "ended_at": START + timedelta(hours=2)}
    job(services, run_id, "train", 1, **done, billable_seconds=1200, created_at=START - timedelta(days=1))
    job(services, run_id, "train", 2, **done, billable_seconds=2400)
    page = shown(viewer, f"/runs/{run_id}?step=train")
    told = facts(page)
    assert told["Expected"].startswith("$0.50, 20m 00s")
    assert told["Cost"].startswith("$1.00: 40m 00s at $1.5 an hour")
    assert "Cost at AWS $1.50" in page.said("dl.stats")
    job(services, run_id, "evaluate", 1, **done, billable_seconds=60, price_per_hour=None)
    again = shown(viewer, f"/runs/{run_id}?step=evaluate")
    assert "unknown" in facts(again)["Cost"]
    assert "at least $1.50 a price is not known" in again.said("dl.stats")


def test_a_reason_of_failure_and_a_look_that_failed_are_said(
    stage: Stage, services: Services, viewer: TestClient
) -> None:
    run_id = launched(stage, services, compute="sagemaker")
    job(services, run_id, "train", status="Failed", reason=REASON, problem="AWS does not answer.")
    page = shown(viewer, f"/runs/{run_id}?step=train")
    assert f"AWS says: {REASON}" in page.said("[id=run-step] .notice.bad")
    assert "Nobody could look at the job: AWS does not answer." in page.said("[id=run-step] .notice.warn")


def test_where_the_pipeline_decided_otherwise_the_page_says_so(
    stage: Stage, services: Services, viewer: TestClient
) -> None:
    run_id = launched(stage, services, compute="sagemaker-pipeline")
    with services.works.writing() as work:
        gate = next(each for each in queries.steps_of(work.session, run_id) if each.kind == "gate")
        gate.state, gate.result = "succeeded", {"passed": True, "reasons": [], "checks": []}
    execution = "arn:aws:sagemaker:eu-central-1:1:pipeline/p/execution/abc"
    told = {"execution": execution, "execution_status": "Succeeded", "job": "pipelines-abc-EvaluateModel-1"}
    job(
        services,
        run_id,
        "evaluate",
        status="Succeeded",
        facts={**told, "conditions": {"AccuracyCondition": "True"}},
    )
    page = shown(viewer, f"/runs/{run_id}?step=evaluate")
    assert "AccuracyCondition" not in page.text
    assert facts(page)["Pipeline"] == "execution abc, succeeded"
    assert "pipelines-abc-EvaluateModel-1" in page.said("[id=run-step] dl.dl")
    job(services, run_id, "evaluate", 2, facts={**told, "conditions": {"AccuracyCondition": "False"}})
    other = shown(viewer, f"/runs/{run_id}")
    assert "Here the gate passed; at SageMaker AccuracyCondition did not pass." in other.text
