"""What AWS says of a job that did not complete, and what becomes of its step."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.runs.cloud.hosts import JobLook
from app.runs.cloud.looking import processing_look, training_look
from app.runs.cloud.tables import CloudJob
from app.runs.tables import Step
from workers.cloud import endings
from workers.outcome import Asked

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def a_step(**values: Any) -> Step:
    return Step(id="step_1", name="train", attempt=1, released=0, max_attempts=3, **values)


def a_job(**values: Any) -> CloudJob:
    return CloudJob(name="job-1", max_seconds=3600, stop_reason=values.pop("stop_reason", ""), **values)


def ended(job: CloudJob | None = None, **look: Any) -> tuple[str, str, str]:
    ending = endings.ended(a_step(), job or a_job(), JobLook(**look))
    return ending.to, ending.status, ending.message


@pytest.mark.parametrize(
    ("reason", "exit_code", "to", "message"),
    [
        ("AlgorithmError: Bad data.\nSend better data., exit code: 65", 65, "failed", "Bad data."),
        ("AlgorithmError: , exit code: 137", 137, "ready", "The program was killed, most likely because"),
        ("AlgorithmError: , exit code: 1", 1, "failed", "The job job-1 failed and gave no reason."),
        ("", None, "failed", "The job job-1 failed and gave no reason."),
        ("InternalServerError: We are sorry.", None, "ready", "The job failed at AWS: Internal"),
        ("CapacityError: Unable to provision.", None, "ready", "The job failed at AWS: Cap"),
        ("ClientError: NoSuchKey", None, "failed", "The job job-1 failed at AWS: ClientError"),
        ("ValueError: a defect", None, "failed", "ValueError: a defect"),
    ],
    ids=["refused", "killed", "silent", "nothing", "internal", "capacity", "client", "plain"],
)
def test_a_job_that_failed(reason: str, exit_code: int | None, to: str, message: str) -> None:
    said = ended(state="failed", reason=reason, exit_code=exit_code)
    assert said[0] == to
    assert said[2].startswith(message)


def test_a_job_that_was_stopped() -> None:
    assert ended(a_job(stop_reason=Asked.CANCEL), state="stopped")[:2] == ("cancelled", "cancelled")
    assert (
        ended(a_job(stop_reason=Asked.DEADLINE), state="stopped")[2] == "The step took longer than its 1 h."
    )
    assert ended(state="stopped", cause="time")[2] == "The step took longer than its 1 h."
    assert ended(state="stopped", cause="spot")[:2] == ("ready", "lost")
    assert ended(a_job(stop_reason=endings.UNWANTED), state="stopped")[:2] == ("ready", "released")
    assert ended(state="missing")[:2] == ("ready", "lost")
    to, _, message = ended(state="stopped", reason="by hand")
    assert (to, message) == (
        "failed",
        "The job job-1 was stopped at AWS, not from here. AWS says: by hand",
    )


def test_a_processing_job_that_took_all_of_its_time_says_so_although_aws_does_not() -> None:
    took = {"started_at": BEGAN, "ended_at": BEGAN + timedelta(hours=1)}
    assert ended(state="stopped", **took)[2] == "The step took longer than its 1 h."


def test_the_waits_between_two_submissions_grow_up_to_five_minutes() -> None:
    away = endings.CloudAway("AWS does not answer.", "It is tried again.")
    waits = [endings.waits(Step(released=count), away).wait_seconds for count in (0, 1, 3, 9)]
    assert waits == [5, 10, 40, 300]


def test_what_is_described_is_read() -> None:
    spot = training_look(
        {
            "TrainingJobArn": "arn:1",
            "TrainingJobStatus": "Stopped",
            "SecondaryStatus": "MaxWaitTimeExceeded",
            "BillableTimeInSeconds": 7,
        }
    )
    assert (spot.state, spot.cause, spot.billable_seconds, spot.arn) == ("stopped", "spot", 7, "arn:1")
    job = {
        "ProcessingJobArn": "arn:2",
        "ProcessingJobStatus": "Failed",
        "FailureReason": "AlgorithmError: no, exit code: 65",
        "ProcessingStartTime": BEGAN,
        "ProcessingEndTime": BEGAN + timedelta(seconds=90),
    }
    look = processing_look(job)
    assert (look.state, look.exit_code, look.billable_seconds) == ("failed", 65, 90)
    assert processing_look({"ProcessingJobStatus": "Stopping"}).state == "running"
