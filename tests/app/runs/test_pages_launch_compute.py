"""Where it runs, on the launch form: as a browser without scripts uses it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.runs import queries
from app.runs.cloud.tables import CloudJob
from app.runs.tables import Run
from tests.app.runs.cloud_settings import set_up
from tests.app.runs.staging import Stage
from tests.app.runs.test_pages_launch import launch_form, started
from tests.reading import Page, shown

Browser = Callable[..., TestClient]


@pytest.fixture
def editor(stage: Stage, browser_as: Browser) -> TestClient:
    stage.dataset()
    return browser_as("editor", "ed")


def worked(services: Services, run_id: str, step: str, instance: str, seconds: float) -> None:
    """A job of that step that has ended, as SageMaker would have billed it."""
    with services.works.writing() as work:
        found = next(each for each in queries.steps_of(work.session, run_id) if each.name == step)
        job = CloudJob(id=f"cj_{step}_{seconds}", run_id=run_id, step_id=found.id, fence=1, attempt=1)
        job.host, job.kind, job.name, job.region = "sagemaker", "training", f"{run_id}-{step}", "us-east-1"
        job.status, job.instance_type, job.max_seconds = "Completed", instance, 3600
        job.billable_seconds, job.ended_at = seconds, datetime.now(UTC)
        work.session.add(job)


def test_without_a_cloud_it_is_explained_and_can_not_be_chosen(editor: TestClient) -> None:
    page = shown(editor, "/launch")
    choices = {each.one("input")["value"]: each for each in page.all("fieldset label")}
    assert "disabled" not in choices["local"].one("input").attributes
    for compute in ("sagemaker", "sagemaker-pipeline"):
        assert "disabled" in choices[compute].one("input").attributes
        assert "Settings, Cloud" in choices[compute].text
    assert page.all("[id=by-step]") == []
    sent = launch_form(page) | {"compute": "sagemaker"}
    answer = editor.post("/runs", data=sent)
    assert answer.status_code == 422
    assert "SageMaker is not set up" in Page(answer.text).said(".notice.bad")


def test_what_is_chosen_reaches_the_run_and_its_clone(editor: TestClient, services: Services) -> None:
    set_up(services)
    page = shown(editor, "/launch?recipe=quick")
    sent = launch_form(page)
    assert (sent["compute"], sent["c.train"], sent["i.train"]) == ("local", "", "")
    sent |= {"compute": "sagemaker", "c.prepare": "local", "i.train": "ml.c5.9xlarge"}
    run = started(services, editor.post("/runs", data=sent).headers["location"])
    assert run.compute == "sagemaker"
    again = shown(editor, f"/launch?clone={run.id}")
    form = launch_form(again)
    assert (form["compute"], form["c.prepare"], form["c.train"]) == ("sagemaker", "local", "")
    assert (form["i.prepare"], form["i.train"], form["i.evaluate"]) == ("", "ml.c5.9xlarge", "ml.m5.xlarge")
    assert (
        "--compute sagemaker --compute-step prepare=local --instance-type train=ml.c5.9xlarge" in again.text
    )
    second = started(services, editor.post("/runs", data=form).headers["location"])
    assert places(services, second) == places(services, run)


def places(services: Services, run: Run) -> dict[str, object]:
    with services.works.reading() as work:
        return {step.name: step.spec["compute"] for step in queries.steps_of(work.session, run.id)}


def test_an_instance_type_that_is_none_is_said_beside_its_field(
    editor: TestClient, services: Services
) -> None:
    set_up(services)
    sent = launch_form(shown(editor, "/launch")) | {"compute": "sagemaker", "i.train": "ml.huge"}
    answer = editor.post("/runs", data=sent)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert page.one(".wrong input")["value"] == "ml.huge"
    assert "no instance type for training" in page.said("[id=f-i.train-error]")
    back = launch_form(page) | {"compute": "local"}
    assert editor.post("/runs", data=back).status_code == 303  # of no use any more, so it is left out


def test_the_cost_is_unknown_then_a_guess_then_by_earlier_jobs(
    editor: TestClient, services: Services, stage: Stage
) -> None:
    set_up(services)
    address = "/launch?recipe=quick&c.train=sagemaker&i.train=ml.m5.xlarge"
    facts = shown(editor, address).said("dl.stats")
    assert "Expected cost unknown train: nobody knows how long yet" in facts
    run_id = stage.launch(stage.dataset("other"))
    stage.train(run_id)
    assert "a first guess for train" in shown(editor, address).said("dl.stats")
    worked(services, run_id, "train", "ml.m5.xlarge", 1800)
    worked(services, run_id, "evaluate", "ml.m5.xlarge", 60)
    page = shown(editor, address)
    assert "Expected cost about $0.12 by earlier jobs on these instances" in page.said("dl.stats")
    assert "median of one job on ml.m5.xlarge" in page.said("[id=by-step]")
    unpriced = shown(editor, "/launch?recipe=quick&c.train=sagemaker&i.train=ml.trn1.2xlarge")
    assert "Expected cost unknown the price of ml.trn1.2xlarge is not known" in unpriced.said("dl.stats")
    local = shown(editor, "/launch?recipe=quick")
    assert "Expected cost" not in local.said("dl.stats")


def test_a_pipeline_there_leaves_steps_no_choice(editor: TestClient, services: Services) -> None:
    set_up(services)
    sent = launch_form(shown(editor, "/launch")) | {"c.train": "local", "compute": "sagemaker-pipeline"}
    page = Page(editor.get("/launch", params=sent).text)
    assert "taken as a whole" in page.said("[id=by-step]")
    assert [name for name in launch_form(page) if name.startswith("c.")] == []
    run = started(services, editor.post("/runs", data=sent).headers["location"])
    assert run.compute == "sagemaker-pipeline"
