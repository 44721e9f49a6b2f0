"""What can go wrong at AWS: the right state with a reason, nothing created twice, nothing billed unseen."""

from collections.abc import Callable
from typing import Any

import pytest

from app.integrations.aws.config import row_of
from app.runs import service, subject
from app.runs.cloud.tables import CloudJob
from app.runs.tables import Run, Step
from ml.contract.faults import armed
from tests.programs.aws_toys import AwsToys

FOR_EVER = -1
LONG = {"ticks": 1000, "seconds": 0.05}


def retry(toys: AwsToys, run_id: str) -> None:
    with toys.services.works.writing() as work:
        service.retry(work, toys.services, run_id, "usr_1")


def change_compute(toys: AwsToys, run_id: str, **values: Any) -> None:
    """As a launch that asked for something else would have written it."""
    with toys.services.works.writing() as work:
        step = work.session.get_one(Step, toys.step(run_id).id)
        step.spec = {**step.spec, "compute": {**step.spec["compute"], **values}}


def turns(toys: AwsToys, count: int = 2) -> None:
    for _ in range(count):
        toys.hurry()
        toys.deliver()
        toys.poll()


# --- AWS does not answer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        ("CreateProcessingJob", "ThrottlingException", "ThrottlingException"),
        ("*", "ExpiredTokenException", "does not accept the credentials"),
        ("S3.PUT", "ServiceUnavailable", "could not upload"),
        ("CreateProcessingJob", "Disconnect", "does not answer"),
    ],
    ids=["throttling", "expired", "storage", "network"],
)
def test_a_step_waits_with_words_while_it_can_not_be_submitted(
    toys: AwsToys, operation: str, code: str, words: str
) -> None:
    mark = toys.simulator.mark()
    toys.simulator.fail(operation, code, times=FOR_EVER)
    run_id = toys.away()
    turns(toys)
    step = toys.step(run_id)
    assert (step.state, toys.detail(run_id).run.status) == ("ready", "running")
    assert words in step.last_error
    assert step.advice
    assert step.released == step.attempt > 0  # none of them counts
    toys.simulator.mend()
    assert toys.end(run_id) == "succeeded"
    names = [job.name for name in ("prepare", "evaluate") for job in toys.jobs(run_id, name)]
    assert toys.created(mark) == names
    assert len(names) == 2


def test_a_create_whose_answer_is_lost_is_not_repeated(toys: AwsToys) -> None:
    """botocore itself asks again, and is told that the name is in use: ours."""
    mark = toys.simulator.mark()
    toys.simulator.fail("CreateProcessingJob", "InternalFailure", after=True)
    run_id = toys.away()
    assert toys.end(run_id) == "succeeded"
    assert len(toys.jobs(run_id)) == 1
    assert toys.job(run_id).status == "Completed"
    asked = [call for call in toys.simulator.calls(mark) if call["operation"] == "CreateProcessingJob"]
    assert [call["code"] for call in asked] == ["InternalFailure", "ResourceInUse", ""]


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        ("DescribeProcessingJob", "ThrottlingException", "ThrottlingException"),
        ("*", "ExpiredTokenException", "does not accept the credentials"),
        ("DescribeProcessingJob", "AccessDeniedException", "DescribeProcessingJob"),
    ],
    ids=["throttling", "expired", "forbidden"],
)
def test_a_job_that_can_not_be_reached_stays_remote_and_says_why(
    toys: AwsToys, operation: str, code: str, words: str
) -> None:
    run_id = toys.away(parameters={"ticks": 3})
    toys.deliver()
    toys.simulator.fail(operation, code, times=FOR_EVER)
    toys.poll()
    toys.poll()
    job = toys.job(run_id)
    assert words in job.problem
    assert (job.polls_failed, job.ended_at, job.poll_owner) == (2, None, None)
    assert toys.states(run_id)["prepare"] == "remote"
    toys.simulator.mend()
    assert toys.end(run_id) == "succeeded"
    assert (toys.job(run_id).problem, toys.step(run_id).attempt) == ("", 1)


def test_a_storage_that_is_away_when_a_job_has_ended_costs_no_second_job(toys: AwsToys) -> None:
    run_id = toys.away("trained")
    toys.deliver()
    toys.simulator.ended("training", toys.job(run_id).name)
    toys.simulator.fail("S3.GET", "ServiceUnavailable", times=FOR_EVER)
    turns(toys)
    assert toys.states(run_id)["prepare"] == "remote"
    assert "fetch what the job left" in toys.job(run_id).problem
    toys.simulator.mend()
    assert toys.end(run_id) == "succeeded"
    assert len(toys.jobs(run_id)) == 1


# --- AWS says no -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words", "advice"),
    [
        ("ResourceLimitExceeded", "quota", "Service Quotas"),
        ("AccessDeniedException", "permission", "sagemaker:CreateProcessingJob"),
        ("ValidationException", "refuses to start the processing job", ""),
    ],
    ids=["quota", "forbidden", "invalid"],
)
def test_a_refusal_fails_the_step_with_what_to_do(toys: AwsToys, code: str, words: str, advice: str) -> None:
    toys.simulator.fail("CreateProcessingJob", code, times=FOR_EVER)
    run_id = toys.away()
    assert toys.end(run_id) == "failed"
    toys.poll()
    step, job = toys.step(run_id), toys.job(run_id)
    assert words in step.last_error
    assert advice in f"{step.last_error} {step.advice}"
    assert (job.status, job.arn, job.reason) == ("Refused", "", step.last_error)
    assert job.ended_at is not None  # nobody looks for it
    toys.simulator.mend()
    retry(toys, run_id)
    assert toys.end(run_id) == "succeeded"


def test_a_question_that_is_refused_leaves_no_job_unseen(toys: AwsToys) -> None:
    """The permission to ask was taken away after a job was created and before that was saved."""
    run_id = toys.away("trained", parameters=LONG)
    with armed("job.save:raise"):
        toys.deliver()
    retry(toys, run_id)
    toys.simulator.fail("DescribeTrainingJob", "AccessDeniedException", times=FOR_EVER)
    assert toys.end(run_id) == "failed"
    toys.poll()
    job = toys.job(run_id)
    assert (job.ended_at, "DescribeTrainingJob" in job.problem) == (None, True)
    toys.simulator.mend()
    toys.until(lambda: toys.job(run_id).ended_at, "the job had been stopped")
    assert toys.simulator.job("training", job.name)["TrainingJobStatus"] == "Stopped"


def test_without_settings_a_step_fails_and_says_where_they_are_made(toys: AwsToys) -> None:
    run_id = toys.away()
    with toys.services.works.writing() as work:
        work.session.delete(row_of(work))
    assert toys.end(run_id) == "failed"
    assert "Settings, Cloud" in toys.step(run_id).advice


# --- jobs that fail ------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["refuse", "crash"])
@pytest.mark.parametrize("pipeline", ["toys", "trained"])
def test_what_the_program_says_of_its_failure_reads_as_it_does_here(
    toys: AwsToys, pipeline: str, behaviour: str
) -> None:
    here = toys.launch(parameters={"behaviour": behaviour})
    toys.deliver()
    away = toys.away(pipeline, parameters={"behaviour": behaviour})
    assert toys.end(away) == "failed"
    local, remote = toys.step(here), toys.step(away)
    assert (remote.last_error, remote.advice) == (local.last_error, local.advice)
    assert (remote.attempt, toys.job(away).status) == (1, "Failed")
    assert (
        toys.detail(away).attempts[remote.id][0].exit_code
        == toys.detail(here).attempts[local.id][0].exit_code
    )


def test_a_program_that_is_killed_is_tried_again_under_another_name(toys: AwsToys) -> None:
    run_id = toys.away(parameters={"behaviour": "die"})
    assert toys.end(run_id) == "failed"
    step = toys.step(run_id)
    assert "killed" in step.last_error
    assert step.attempt == step.max_attempts == 3
    assert len({job.name for job in toys.jobs(run_id)}) == 3


def test_a_machine_that_breaks_costs_an_attempt(toys: AwsToys) -> None:
    run_id = toys.away("trained", parameters={"ticks": 20, "seconds": 0.05})
    job = toys.running(run_id)
    toys.simulator.break_down(
        job.name, "InternalServerError: We encountered an internal error. Please try again."
    )
    assert toys.end(run_id) == "succeeded"
    step = toys.step(run_id)
    first, second = toys.detail(run_id).attempts[step.id]
    assert (first.status, second.status) == ("failed", "succeeded")
    assert "internal error" in first.message
    assert [job.status for job in toys.jobs(run_id)] == ["Failed", "Completed"]


def test_a_job_that_somebody_stops_at_aws_fails_its_step_and_says_so(toys: AwsToys) -> None:
    run_id = toys.away("trained", parameters=LONG)
    job = toys.running(run_id)
    toys.simulator.client("sagemaker").stop_training_job(TrainingJobName=job.name)
    assert toys.end(run_id) == "failed"
    step = toys.step(run_id)
    assert "stopped at AWS, not from here" in step.last_error
    assert (step.attempt, toys.job(run_id).status) == (1, "Stopped")


def test_a_spot_machine_that_is_taken_away_is_replaced_and_the_training_goes_on(toys: AwsToys) -> None:
    run_id = toys.away("trained", parameters={"ticks": 30, "seconds": 0.1})
    change_compute(toys, run_id, spot=True)
    job = toys.running(run_id)
    toys.until(lambda: len(toys.points(run_id)) > 4, "some ticks had passed")
    toys.simulator.interrupt(job.name)
    assert toys.end(run_id) == "succeeded"
    assert any(line.startswith("resumed at tick") for line in toys.log(run_id))
    ticks = [point.step for point in toys.points(run_id)]
    assert sorted(set(ticks)) == list(range(30))
    assert len(toys.jobs(run_id)) == toys.step(run_id).attempt == 1


def test_a_job_whose_time_is_over_fails_its_step(toys: AwsToys) -> None:
    run_id = toys.away(parameters=LONG)
    change_compute(toys, run_id, max_seconds=1)
    assert toys.end(run_id) == "failed"
    assert toys.step(run_id).last_error == "The step took longer than its 1 s."


def test_output_that_was_changed_on_the_way_is_refused(toys: AwsToys) -> None:
    run_id = toys.away()
    toys.deliver()
    job = toys.job(run_id)
    toys.simulator.ended("processing", job.name)
    toys.simulator.put(f"{job.output_uri}/model/weights.txt", "others")
    assert toys.end(run_id) == "failed"
    assert "weights.txt" in toys.step(run_id).last_error


# --- people and jobs at the same time --------------------------------------------------------------------


def test_a_cancellation_stops_the_job_and_waits_until_it_has_stopped(toys: AwsToys) -> None:
    run_id = toys.away("trained", parameters=LONG)
    toys.running(run_id)
    toys.stop(run_id)
    toys.poll()
    assert toys.states(run_id)["prepare"] in ("remote", "cancelled")
    assert toys.end(run_id) == "cancelled"
    job = toys.job(run_id)
    assert (job.status, job.stop_reason) == ("Stopped", "cancel")
    assert toys.simulator.job("training", job.name)["TrainingJobStatus"] == "Stopped"


def test_a_cancellation_that_meets_the_end_of_a_job_loses_no_work(toys: AwsToys) -> None:
    run_id = toys.away()
    toys.deliver()
    toys.simulator.ended("processing", toys.job(run_id).name)
    toys.stop(run_id)
    assert toys.end(run_id) == "cancelled"
    assert toys.states(run_id) == {
        "prepare": "succeeded",
        "evaluate": "cancelled",
        "gate": "cancelled",
        "register": "cancelled",
    }


def test_a_cancellation_while_aws_is_away_is_not_called_done(toys: AwsToys) -> None:
    run_id = toys.away(parameters=LONG)
    toys.running(run_id)
    toys.simulator.fail("StopProcessingJob", "ThrottlingException", times=FOR_EVER)
    toys.stop(run_id)
    turns(toys)
    assert toys.states(run_id)["prepare"] == "remote"
    assert "stop the job" in toys.job(run_id).problem
    toys.simulator.mend()
    assert toys.end(run_id) == "cancelled"


# --- nothing runs and is paid for unseen -------------------------------------------------------------------


def left_running(toys: AwsToys) -> CloudJob:
    """Of a step that failed between the create and the save: AWS works, and nobody waits for it."""
    run_id = toys.away("trained", parameters=LONG)
    with armed("job.save:raise"):
        toys.deliver()
    assert toys.states(run_id)["prepare"] == "failed"
    job = toys.job(run_id)
    assert toys.simulator.job("training", job.name)["TrainingJobStatus"] == "InProgress"
    return job


def delete_run(toys: AwsToys, job: CloudJob) -> None:
    with toys.services.works.writing() as work:
        subject.delete_run(work, toys.services, "usr_1", job.run_id)


def nothing(_toys: AwsToys, _job: CloudJob) -> None:
    """The run stays."""


@pytest.mark.parametrize("then", [nothing, delete_run])
def test_a_job_that_nobody_waits_for_is_stopped(
    toys: AwsToys, then: Callable[[AwsToys, CloudJob], None]
) -> None:
    job = left_running(toys)
    then(toys, job)

    def ended() -> CloudJob | None:
        with toys.services.works.reading() as work:
            found = work.session.get_one(CloudJob, job.id)
        return found if found.ended_at else None

    over = toys.until(ended, "the job had been stopped")
    assert (over.status, over.stop_reason) == ("Stopped", "unwanted")
    assert toys.simulator.job("training", job.name)["TrainingJobStatus"] == "Stopped"


def test_a_retry_takes_on_the_job_that_still_runs(toys: AwsToys) -> None:
    mark = toys.simulator.mark()
    run_id = toys.away("trained", parameters={"ticks": 20, "seconds": 0.05})
    with armed("job.save:raise"):
        toys.deliver()
    retry(toys, run_id)
    assert toys.end(run_id) == "succeeded"
    step, (job,) = toys.step(run_id), toys.jobs(run_id)
    assert (step.attempt, job.attempt, job.fence) == (2, 2, step.fence)
    assert toys.created(mark)[0] == job.name
    assert toys.log(run_id)[0] == "tick 0"


def test_an_intent_that_never_became_a_job_is_closed(toys: AwsToys) -> None:
    run_id = toys.away()
    with armed("job.create:raise"):
        toys.deliver()
    assert toys.states(run_id)["prepare"] == "failed"
    toys.poll()
    job = toys.job(run_id)
    assert (job.status, job.arn, job.stop_requested_at) == ("", "", None)
    assert job.ended_at is not None
    with toys.services.works.reading() as work:
        assert work.session.get_one(Run, run_id).status == "failed"


def test_a_step_whose_job_no_row_knows_any_more_is_tried_again(toys: AwsToys) -> None:
    """As with a backup that is older than the job."""
    run_id = toys.away()
    toys.deliver()
    with toys.services.works.writing() as work:
        work.session.delete(work.session.get_one(CloudJob, toys.job(run_id).id))
    toys.poller.rescue()
    assert toys.states(run_id)["prepare"] == "ready"
    assert toys.end(run_id) == "succeeded"
    assert toys.step(run_id).attempt == 2


def test_a_job_in_another_region_than_that_of_the_settings_is_not_given_up(toys: AwsToys) -> None:
    run_id = toys.away()
    toys.deliver()
    for region, state in (("eu-west-1", "remote"), (toys.simulator.region, "succeeded")):
        with toys.services.works.writing() as work:
            settings = row_of(work)
            assert settings is not None
            settings.region = region
        toys.poll()
        if state == "remote":
            assert "is in us-east-1, and the settings name eu-west-1" in toys.job(run_id).problem
            assert toys.states(run_id)["prepare"] == "remote"
    assert toys.end(run_id) == "succeeded"
    assert len(toys.jobs(run_id)) == 1
