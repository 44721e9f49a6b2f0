"""One message, one step: executed by the worker's own code, with real children, databases and storage."""

import os

import pytest
from sqlalchemy import select, text, update

from app.core.database import now
from app.runs import leases, queries
from app.runs.leases import Ending, Lease
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Step
from tests.programs.installation import Toys
from tests.programs.pipelines import BAD
from workers.dispatch import Dispatcher

pytestmark = pytest.mark.both_databases


def test_a_run_walks_from_its_input_to_its_result(toys: Toys) -> None:
    run_id = toys.launch()
    toys.deliver()
    detail = toys.detail(run_id)
    assert detail.run.status == "succeeded", detail.run.message
    assert set(toys.states(run_id).values()) == {"succeeded"}
    assert toys.text(run_id, "prepare", "seen.txt") == "[('dataset/reviews.txt', 'reviews')]"
    assert toys.text(run_id, "prepare", "model/weights.txt") == "w" * 10
    # evaluate was given the model directory alone.
    assert toys.text(run_id, "evaluate", "seen.txt") == "[('model/weights.txt', 'wwwwwwwwww')]"
    gate, register = detail.step("gate"), detail.step("register")
    assert gate is not None
    assert gate.result is not None
    assert gate.result["passed"] is True
    assert register is not None
    assert register.result == {"model": "toy", "version": 1, "files": ["weights.txt"]}


def test_the_log_the_metrics_and_the_attempt_are_kept(toys: Toys) -> None:
    run_id = toys.launch(parameters={"ticks": 3})
    toys.deliver()
    step = toys.detail(run_id).steps[0]
    with toys.services.works.telemetry_reading() as work:
        lines = queries.log_lines(work.session, run_id, step.id, 1)
        points = queries.metric_points(work.session, run_id, step.id)
        tail = queries.log_tail(work.session, run_id, step.id, 1, lines=2)
    assert [line.text for line in lines if line.text.startswith("tick")] == ["tick 0", "tick 1", "tick 2"]
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert [(point.step, round(point.value, 3)) for point in points] == [(0, 1.0), (1, 0.5), (2, 0.333)]
    assert tail == lines[-2:]
    (attempt,) = toys.detail(run_id).attempts[step.id]
    assert (attempt.status, attempt.exit_code, attempt.worker) == ("succeeded", 0, "here")
    assert attempt.finished_at is not None
    assert attempt.environment is not None
    assert attempt.environment["SM_NUM_CPUS"] == attempt.environment["OMP_NUM_THREADS"]
    assert not any("FITTINGROOM" in name for name in attempt.environment)


def test_a_closed_gate_is_an_outcome_and_what_it_guards_is_skipped(toys: Toys) -> None:
    run_id = toys.launch(parameters={"measured": BAD, "minimum": 0.33})
    toys.deliver()
    detail = toys.detail(run_id)
    assert detail.run.status == "succeeded"
    assert toys.states(run_id)["register"] == "skipped"
    gate = detail.step("gate")
    assert gate is not None
    assert gate.result is not None
    assert gate.result["passed"] is False
    assert gate.result["reasons"] == ["accuracy 0.31 is below 0.33"]
    assert "accuracy 0.31 is below 0.33" in detail.run.message


def test_a_gate_without_a_number_to_read_fails_with_the_path(toys: Toys) -> None:
    run_id = toys.launch(parameters={"measured": "{}"})
    toys.deliver()
    detail = toys.detail(run_id)
    assert detail.run.status == "failed"
    assert "metrics.accuracy.value" in detail.run.message
    assert toys.states(run_id) == {
        "prepare": "succeeded",
        "evaluate": "succeeded",
        "gate": "failed",
        "register": "skipped",
    }


def test_a_refusal_is_final_and_says_what_to_do(toys: Toys) -> None:
    run_id = toys.launch(parameters={"behaviour": "refuse"})
    toys.deliver()
    step = toys.detail(run_id).steps[0]
    assert (step.state, step.attempt) == ("failed", 1)
    assert (step.last_error, step.advice) == ("The data are not good.", "Send better data.")
    assert toys.states(run_id) == {
        "prepare": "failed",
        "evaluate": "skipped",
        "gate": "skipped",
        "register": "skipped",
    }


def test_an_exception_and_a_strange_exit_code_are_final_too(toys: Toys) -> None:
    crashed, strange = (toys.launch(parameters={"behaviour": each}) for each in ("crash", "exit 3"))
    toys.deliver()
    assert "ValueError: a defect" in toys.detail(crashed).run.message
    assert "exit code 3" in toys.detail(strange).run.message
    assert [
        len(toys.detail(each).attempts[toys.detail(each).steps[0].id]) for each in (crashed, strange)
    ] == [
        1,
        1,
    ]


def test_c09_a_program_that_is_killed_is_tried_three_times_and_other_work_goes_on(toys: Toys) -> None:
    doomed = toys.launch(parameters={"behaviour": "die"})
    dispatcher = Dispatcher(toys.worker, {})
    while toys.detail(doomed).run.status != "failed":
        toys.deliver()
        skip_the_wait(toys)
        dispatcher.send_overdue(0)
    step = toys.detail(doomed).steps[0]
    assert step.attempt == 3
    assert "killed" in step.last_error
    assert "attempt 3 of 3" in step.last_error
    assert [attempt.exit_code for attempt in toys.detail(doomed).attempts[step.id]] == [137, 137, 137]
    fine = toys.launch()
    toys.deliver()
    assert toys.detail(fine).run.status == "succeeded"


def skip_the_wait(toys: Toys) -> None:
    with toys.services.works.writing() as work:
        work.session.execute(update(Step).values(not_before=None))


def test_a_program_sees_no_variable_of_the_worker_but_the_allowed_ones(toys: Toys) -> None:
    os.environ["DATABASE_PASSWORD"] = "secret"
    try:
        run_id = toys.launch()
        toys.deliver()
    finally:
        del os.environ["DATABASE_PASSWORD"]
    names = toys.text(run_id, "prepare", "environment.txt").split("\n")
    assert "DATABASE_PASSWORD" not in names
    assert "FITTINGROOM_HOME" not in names
    assert {"SM_CHANNEL_DATASET", "SM_HPS", "SM_MODEL_DIR", "OMP_NUM_THREADS", "PATH"} <= set(names)


def test_c07_a_finish_with_an_old_fence_changes_nothing(toys: Toys) -> None:
    run_id = toys.launch()
    step = toys.detail(run_id).steps[0]
    works = toys.services.works
    with works.writing() as work:
        first = leases.claim(work, step, "sleeper", seconds=-1)
    assert first is not None
    Dispatcher(toys.worker, {}).reap()
    with works.writing() as work:
        second = leases.claim(work, step, "other", seconds=60)
    assert second is not None
    assert (second.fence, second.attempt) == (first.fence + 1, 2)
    ending = Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, artifact="0" * 64, artifact_size=1)
    with works.writing() as work:
        assert leases.finish(work, toys.services, first, ending) is False
    with works.writing() as work:
        assert leases.beat(work, first) is False
        assert leases.beat(work, second) is True
        assert leases.note_progress(work, first, {"done": 1}, {}) is False
    step = toys.detail(run_id).steps[0]
    assert (step.state, step.artifact, step.lease_owner) == ("leased", None, "other")


def test_a_reaper_that_slept_lets_the_holders_beat_first(toys: Toys) -> None:
    step = toys.detail(toys.launch()).steps[0]
    with toys.services.works.writing() as work:
        lease = leases.claim(work, step, "slept too", seconds=-1)
    assert lease is not None
    times = [0.0]
    dispatcher = Dispatcher(toys.worker, {}, clock=lambda: times[0])

    def state_at(second: float) -> str:
        times[0] = second
        dispatcher.reap()
        return toys.detail(step.run_id).steps[0].state

    half = toys.services.settings.lease_seconds / 2
    assert {state_at(3600 + second) for second in range(int(half))} == {"leased"}
    assert state_at(3600 + half) == "ready"


def test_two_reapers_take_an_expired_lease_once_and_three_losses_are_final(toys: Toys) -> None:
    run_id = toys.launch()
    works = toys.services.works
    for attempt in (1, 2, 3):
        step = toys.detail(run_id).steps[0]
        with works.writing() as work:
            lease = leases.claim(work, step, f"dead-{attempt}", seconds=-1)
        assert lease is not None
        assert lease.attempt == attempt
        with works.reading() as work:
            (expired,) = queries.expired_steps(work.session)
        reaped = []
        for _ in range(2):
            with works.writing() as work:
                reaped.append(leases.reap(work, toys.services, expired))
        assert reaped == [True, False]
    detail = toys.detail(run_id)
    assert detail.run.status == "failed"
    assert "dead-3 was lost" in detail.run.message
    assert [each.status for each in detail.attempts[detail.steps[0].id]] == ["lost", "lost", "lost"]


def test_a_live_lease_is_not_reaped_and_beating_prolongs_it(toys: Toys) -> None:
    run_id = toys.launch()
    step = toys.detail(run_id).steps[0]
    works = toys.services.works
    with works.writing() as work:
        lease = leases.claim(work, step, "alive", seconds=60)
        assert lease is not None
        before = work.session.get_one(Step, step.id, populate_existing=True).lease_until
    with works.writing() as work:
        assert leases.beat(work, Lease(lease.step_id, lease.run_id, lease.fence, lease.attempt, 120))
        after = work.session.get_one(Step, step.id, populate_existing=True).lease_until
    assert before is not None
    assert after is not None
    assert (after - before).total_seconds() > 59
    with works.reading() as work:
        assert queries.expired_steps(work.session) == []


def test_a_message_that_never_arrives_is_sent_again_by_the_dispatcher(toys: Toys) -> None:
    run_id = toys.launch()
    toys.inbox.sent.clear()
    dispatcher = Dispatcher(toys.worker, {})
    dispatcher.send_overdue(60)
    assert toys.inbox.sent == []  # it may still be on its way
    with toys.services.works.writing() as work:
        work.session.execute(update(Step).values(ready_at=now(-3)))
    for _ in range(4):
        dispatcher.send_overdue(0)
        toys.deliver(limit=1)
        toys.inbox.sent.clear()
    assert toys.detail(run_id).run.status == "succeeded"


def test_the_dispatcher_sends_no_more_than_there_are_free_slots(toys: Toys) -> None:
    for number in range(6):
        toys.launch(content=bytes([number]))
    toys.inbox.sent.clear()
    worker = toys.worker
    dispatcher = Dispatcher(worker, {})
    dispatcher.send_overdue(0)
    assert len(toys.inbox.sent) == 2
    assert worker.slots.take("cpu")
    assert worker.slots.take("cpu")
    toys.inbox.sent.clear()
    dispatcher.send_overdue(0)
    assert toys.inbox.sent == []


def test_c22_a_step_of_an_unknown_kind_is_left_for_a_newer_worker(toys: Toys) -> None:
    run_id = toys.launch()
    with toys.services.works.writing() as work:
        work.session.execute(update(Step).where(Step.name == "prepare").values(kind="divination"))
        # What a newer version adds, an older worker neither reads nor misses.
        work.session.execute(text("ALTER TABLE step ADD COLUMN omens TEXT"))
    toys.deliver()
    dispatcher = Dispatcher(toys.worker, {})
    dispatcher.send_overdue(0)
    assert toys.inbox.sent == []
    assert toys.states(run_id)["prepare"] == "ready"


def test_a_handler_that_refuses_fails_its_step_and_leaves_nothing(toys: Toys) -> None:
    refused, broken = (toys.launch(model=name) for name in ("refused", "broken"))
    toys.deliver()
    assert "The registry is closed. Open it." in toys.detail(refused).run.message
    assert "ZeroDivisionError" in toys.detail(broken).run.message
    assert toys.states(refused)["register"] == "failed"
    assert toys.states(broken)["register"] == "failed"


def test_a_step_over_its_deadline_is_stopped(toys: Toys) -> None:
    run_id = toys.launch(parameters={"ticks": 100, "seconds": 0.1})
    with toys.services.works.writing() as work:
        step = work.session.get_one(Step, toys.detail(run_id).steps[0].id)
        step.spec = {**step.spec, "deadline_seconds": 0}
    toys.deliver()
    assert "took longer" in toys.detail(run_id).run.message


def test_nothing_is_left_in_the_working_directory(toys: Toys) -> None:
    toys.launch()
    toys.launch(content=b"other", parameters={"behaviour": "refuse"})
    toys.deliver()
    left = [path for path in (toys.services.settings.home / "work").rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["tick"]  # the failed step's checkpoint waits for a retry


def test_a_step_that_cannot_even_begin_fails_and_is_not_sent_for_ever(toys: Toys) -> None:
    toys.launch()
    toys.deliver()
    run_id = toys.launch()
    prepare = Step.run_id == run_id, Step.name == "prepare"
    with toys.services.works.writing() as work:
        spec = work.session.scalars(select(Step.spec).where(*prepare)).one()
        # Half a character: why the cache does not have it can't be written down.
        spoilt = {**spec, "arguments": {**spec["arguments"], "ticks": "\ud800"}}
        work.session.execute(update(Step).where(*prepare).values(spec=spoilt))
    toys.deliver()
    detail = toys.detail(run_id)
    assert detail.run.status == "failed"
    assert "prepare failed unexpectedly: " in detail.run.message
    assert toys.states(run_id)["prepare"] == "failed"
