"""Whole workers as processes, with a real broker between: killed, stopped, frozen, without messages."""

import json
import os
import signal
import subprocess
import time

from app.runs import queries, service
from app.runs.tables import Step
from app.runs.workers import queries as worker_queries
from tests.programs.fleet import Fleet, programs_of, start_broker, wait_until

LONG = {"ticks": 80, "seconds": 0.05}


def status(fleet: Fleet, run_id: str) -> str:
    return fleet.toys.detail(run_id).run.status


def wait_for_end(fleet: Fleet, run_id: str, expected: str = "succeeded") -> None:
    """Fails at once, and tells the attempts, where the run ended in another way."""
    wait_until(lambda: status(fleet, run_id) in {"succeeded", "failed", "cancelled"}, "the run ended")
    detail = fleet.toys.detail(run_id)
    attempts = [[each.message for each in tries] for tries in detail.attempts.values()]
    assert detail.run.status == expected, attempts


def ticking(fleet: Fleet, run_id: str) -> None:
    """Until the first step's program has shown that it runs."""

    def shown() -> bool:
        progress = fleet.toys.detail(run_id).steps[0].progress
        return bool(progress and progress["done"] > 0)

    wait_until(shown, "the step made progress")


def test_a_run_goes_through_broker_and_worker_to_its_end(fleet: Fleet) -> None:
    fleet.start()
    run_id = fleet.toys.launch(parameters={"ticks": 3})
    wait_for_end(fleet, run_id)
    with fleet.toys.services.works.reading() as work:
        (worker,) = worker_queries.live_workers(work.session)
        assert worker_queries.queues_without_worker(work.session) == set()
    assert worker.queues == ["cpu", "io"]  # gpu only with a card
    assert worker.slots == {"heavy": 1, "light": 2}
    assert {"gate", "program", "register"} <= set(worker.kinds)


def test_what_a_worker_logs_of_a_defect_holds_no_values(fleet: Fleet) -> None:
    fleet.start()
    measured = '{"secret": 1, "metrics": {"accuracy": {"value": 0.9}}}'
    run_id = fleet.toys.launch(model="broken", parameters={"measured": measured})
    wait_for_end(fleet, run_id, "failed")
    log = (fleet.toys.services.settings.home / "worker-0.log").read_text()
    (line,) = [line for line in log.splitlines() if "step_failed_unexpectedly" in line]
    assert "a defect of the handler" in json.loads(line)["exception"]
    assert "secret" not in log


def test_a_worker_killed_in_mid_step_costs_an_attempt_and_nothing_else(fleet: Fleet) -> None:
    first = fleet.start()
    run_id = fleet.toys.launch(parameters=LONG)
    ticking(fleet, run_id)
    first.kill()
    first.wait()
    wait_until(lambda: not programs_of(fleet.toys.services), "the program died with its worker")
    fleet.start()
    wait_for_end(fleet, run_id)
    detail = fleet.toys.detail(run_id)
    step = detail.steps[0]
    assert [attempt.status for attempt in detail.attempts[step.id]] == ["lost", "succeeded"]
    assert queries.attempts_counted(step) == 2
    with fleet.toys.services.works.telemetry_reading() as work:
        log = [line.text for line in queries.log_lines(work.session, run_id, step.id, 2)]
    assert any(line.startswith("resumed at tick") for line in log)
    same = [each for each in detail.steps if each.artifact == step.artifact]
    assert same == [step]


def test_c23_a_stopped_worker_hands_its_step_back_unharmed(fleet: Fleet) -> None:
    first = fleet.start()
    run_id = fleet.toys.launch(parameters=LONG)
    ticking(fleet, run_id)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    step = fleet.toys.detail(run_id).steps[0]
    assert (step.state, step.attempt, step.released) == ("ready", 1, 1)
    assert programs_of(fleet.toys.services) == []
    fleet.start()
    wait_for_end(fleet, run_id)
    detail = fleet.toys.detail(run_id)
    assert [attempt.status for attempt in detail.attempts[step.id]] == ["released", "succeeded"]
    assert queries.attempts_counted(detail.steps[0]) == 1


def test_a_cancelled_run_stops_its_program_and_a_retry_goes_on_from_the_checkpoint(fleet: Fleet) -> None:
    fleet.start()
    services = fleet.toys.services
    run_id = fleet.toys.launch(parameters=LONG)
    ticking(fleet, run_id)
    with services.works.writing() as work:
        service.cancel(work, services, run_id, "usr_1")
    wait_for_end(fleet, run_id, "cancelled")
    assert set(fleet.toys.states(run_id).values()) == {"cancelled"}
    assert programs_of(services) == []
    with services.works.writing() as work:
        service.retry(work, services, run_id, "usr_1")
    wait_for_end(fleet, run_id)
    detail = fleet.toys.detail(run_id)
    assert [each.status for each in detail.attempts[detail.steps[0].id]] == ["cancelled", "succeeded"]


def test_c07_a_frozen_worker_wakes_up_to_find_its_step_taken_and_changes_nothing(fleet: Fleet) -> None:
    frozen = fleet.start()
    run_id = fleet.toys.launch(parameters={"ticks": 60, "seconds": 0.1})
    ticking(fleet, run_id)
    os.kill(frozen.pid, signal.SIGSTOP)
    fleet.start()
    try:
        wait_until(lambda: fleet.toys.detail(run_id).steps[0].fence == 2, "another worker claimed the step")
    finally:
        os.kill(frozen.pid, signal.SIGCONT)
    wait_for_end(fleet, run_id)
    detail = fleet.toys.detail(run_id)
    assert detail.steps[0].fence == 2
    assert [each.status for each in detail.attempts[detail.steps[0].id]] == ["lost", "succeeded"]


def test_a_machine_that_sleeps_costs_no_attempt(fleet: Fleet) -> None:
    """Its only worker is frozen for longer than the lease, reaper and heart alike."""
    worker = fleet.start()
    run_id = fleet.toys.launch(parameters={"ticks": 150, "seconds": 0.1})
    ticking(fleet, run_id)
    os.kill(worker.pid, signal.SIGSTOP)
    time.sleep(fleet.lease_seconds + 1)
    os.kill(worker.pid, signal.SIGCONT)
    wait_for_end(fleet, run_id)
    detail = fleet.toys.detail(run_id)
    assert [each.status for each in detail.attempts[detail.steps[0].id]] == ["succeeded"]


def test_a_broker_that_loses_everything_costs_seconds(fleet: Fleet, broker: subprocess.Popen[bytes]) -> None:
    broker.kill()
    broker.wait()
    services = fleet.toys.services
    run_id = fleet.toys.launch()  # submitting answers although nobody takes the message
    assert fleet.toys.states(run_id)["prepare"] == "ready"
    for file in (services.settings.home / "broker").rglob("*"):
        if file.is_file():
            file.unlink()
    restarted = start_broker(services.settings)
    try:
        fleet.start()
        wait_for_end(fleet, run_id)
        fleet.end()
    finally:
        restarted.kill()
        restarted.wait()


def test_more_runs_than_slots_all_end_with_one_attempt_a_step(fleet: Fleet) -> None:
    fleet.lease_seconds = 60
    fleet.start()
    runs = [fleet.toys.launch(content=bytes([65 + number])) for number in range(5)]
    runs += [fleet.toys.launch("fan") for _ in range(3)]
    for run_id in runs:
        wait_for_end(fleet, run_id)
    with fleet.toys.services.works.reading() as work:
        steps = work.session.query(Step).all()
    assert {step.state for step in steps} == {"succeeded"}
    assert {step.fence for step in steps if not step.cached} == {1}
