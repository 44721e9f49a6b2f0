"""A run as one execution of a SageMaker pipeline: begun, mirrored, stopped, gone on with by the real code."""

from dataclasses import replace
from functools import partial
from typing import Any

from app.core import outbox
from app.runs import service
from app.runs.cloud.following import STOP, execution_stopper, run_moved
from app.runs.cloud.tables import CloudJob
from app.runs.tables import Step
from tests.programs.aws_toys import AwsToys
from tests.programs.pipelines import BAD
from tests.workers.cloud.test_steps_at_aws import figures, files

PIPELINE = "sagemaker-pipeline"


def executions(toys: AwsToys) -> dict[str, str]:
    """Status by ARN, of all executions in this test's own pipelines."""
    client = toys.simulator.client("sagemaker")
    pipelines = client.list_pipelines(PipelineNamePrefix="fittingroom-trained")["PipelineSummaries"]
    found = {}
    for each in pipelines:
        definition = client.describe_pipeline(PipelineName=each["PipelineName"])["PipelineDefinition"]
        if f"s3://{toys.bucket}/" in definition:
            listed = client.list_pipeline_executions(PipelineName=each["PipelineName"])
            for one in listed["PipelineExecutionSummaries"]:
                found[one["PipelineExecutionArn"]] = one["PipelineExecutionStatus"]
    return found


def begin(toys: AwsToys, **parameters: Any) -> str:
    return toys.launch("trained", compute=PIPELINE, parameters=parameters)


def retry(toys: AwsToys, run_id: str) -> None:
    with toys.services.works.writing() as work:
        service.retry(work, toys.services, run_id, "usr_1")


def called(toys: AwsToys, operation: str, after: int) -> int:
    return sum(call["operation"] == operation for call in toys.simulator.calls(after))


def test_a_run_is_mirrored_and_leaves_the_very_artifacts_of_a_local_one(toys: AwsToys) -> None:
    local = toys.launch("trained", parameters={"ticks": 3})
    toys.deliver()
    mark = toys.simulator.mark()
    away = begin(toys, ticks=3)
    assert toys.end(away) == "succeeded"
    assert toys.states(away) == toys.states(local)
    for step in ("prepare", "evaluate"):
        assert files(toys, away, step) == files(toys, local, step)
    assert (toys.log(away), figures(toys, away)) == (toys.log(local), figures(toys, local))
    assert toys.created(mark) == []  # the service made the jobs, not we
    prepare, evaluate = toys.job(away), toys.job(away, "evaluate")
    assert (prepare.status, prepare.kind) == ("Succeeded", "training")
    assert "pipelines-" in prepare.arn
    assert prepare.billable_seconds is not None
    assert evaluate.facts["conditions"] == {"AccuracyCondition": "True"}
    assert evaluate.facts["package_arn"].endswith("/1")
    assert list(executions(toys)) == [prepare.facts["execution"]]


def test_an_override_reaches_its_step_and_the_condition(toys: AwsToys) -> None:
    run_id = begin(toys, ticks=2, measured=BAD)
    assert toys.end(run_id) == "succeeded"
    assert toys.states(run_id)["register"] == "skipped"
    assert sum(line.startswith("tick ") for line in toys.log(run_id)) == 2
    facts = toys.job(run_id, "evaluate").facts
    assert facts["conditions"] == {"AccuracyCondition": "False"}
    assert "package_arn" not in facts


def test_equal_runs_share_a_pipeline_and_its_cache(toys: AwsToys) -> None:
    first = begin(toys)
    assert toys.end(first) == "succeeded"
    second = begin(toys)
    assert toys.end(second) == "succeeded"
    assert len(executions(toys)) == 2
    assert len({arn.partition("/execution/")[0] for arn in executions(toys)}) == 1
    job = toys.job(second)
    assert job.facts["cached_from"] == toys.job(first).facts["execution"]
    assert job.billable_seconds == 0
    assert files(toys, second, "prepare") == files(toys, first, "prepare")


def test_a_cancelled_run_stops_the_execution_and_a_retry_goes_on_with_it(toys: AwsToys) -> None:
    run_id = begin(toys, ticks=200, seconds=0.05)
    toys.running(run_id)
    toys.stop(run_id)
    assert toys.end(run_id) == "cancelled"
    (arn,) = executions(toys)
    toys.until(lambda: executions(toys)[arn] == "Stopped", "the execution had stopped")
    mark = toys.simulator.mark()
    retry(toys, run_id)
    toys.until(lambda: called(toys, "RetryPipelineExecution", mark), "the service was asked to go on")
    assert list(executions(toys)) == [arn]
    toys.stop(run_id)
    assert toys.end(run_id) == "cancelled"


def test_a_run_that_ends_between_two_steps_leaves_nothing_running(toys: AwsToys) -> None:
    """Our step has succeeded, the next one is not claimed, and the service is at it already."""
    toys.services = replace(toys.services, handlers=replace(toys.services.handlers, moved=(run_moved,)))
    run_id = begin(toys, ticks=200, seconds=0.05)
    job = toys.running(run_id)
    with toys.services.works.writing() as work:
        step = work.session.get_one(Step, job.step_id)
        step.state = "succeeded"
        work.session.get_one(CloudJob, job.id).ended_at = step.started_at
    toys.stop(run_id)
    assert toys.detail(run_id).run.status == "cancelled"
    (arn,) = executions(toys)
    senders = {STOP: partial(execution_stopper, toys.services)}
    toys.simulator.fail("StopPipelineExecution", "ThrottlingException", times=3)
    assert outbox.deliver(toys.services.works, senders, far=True) == 0
    assert outbox.deliver(toys.services.works, senders, far=True) == 1
    toys.until(lambda: executions(toys)[arn] == "Stopped", "the execution had stopped")


def test_what_a_program_says_of_its_failure_is_said_here_and_a_retry_goes_on(toys: AwsToys) -> None:
    run_id = begin(toys, behaviour="refuse")
    assert toys.end(run_id) == "failed"
    assert "The data are not good." in toys.detail(run_id).run.message
    assert list(executions(toys).values()) == ["Failed"]
    toys.simulator.fail("RetryPipelineExecution", "ValidationException", message="It is too old.")
    retry(toys, run_id)
    assert toys.end(run_id) == "failed"
    assert len(executions(toys)) == 2  # the service would not go on with the first


def test_an_answer_that_was_lost_begins_no_second_execution(toys: AwsToys) -> None:
    toys.simulator.fail("StartPipelineExecution", "Disconnect", times=2, after=True)
    run_id = begin(toys)
    assert toys.end(run_id) == "succeeded"
    assert list(executions(toys).values()) == ["Succeeded"]


def test_an_execution_stopped_at_aws_ends_the_run_with_the_reason(toys: AwsToys) -> None:
    run_id = begin(toys, ticks=200, seconds=0.05)
    toys.running(run_id)
    (arn,) = executions(toys)
    toys.simulator.client("sagemaker").stop_pipeline_execution(
        PipelineExecutionArn=arn, ClientRequestToken="x" * 32
    )
    assert toys.end(run_id) == "failed"
    assert "stopped at AWS, not from here" in toys.detail(run_id).run.message
