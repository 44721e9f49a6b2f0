"""Workers that die early, have a wrong clock or a program that hogs the interpreter, or all come at once."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.handlers import open_services
from app.runs.states import RUN_ENDS
from tests.programs.fleet import Fleet, fleet_of, serving_broker, wait_until
from tests.programs.installation import ALL, Inbox, Toys, toy_services
from tests.programs.serving import all_at_once
from workers.slots import HEAVY, LIGHT, Slots
from workers.steps import StepWorker

HOUR = 3600
WORKERS, MESSAGES = 8, 100
HOG_SECONDS = 12  # two leases of the fleet
# Python's clocks as a machine would tell them that is an hour wrong. The interpreter reads it at its start.
WRONG_CLOCK = """
import datetime, sys, time

SHIFT = {shift}
right = time.time

class Reads(type):
    def __instancecheck__(cls, value):
        return isinstance(value, datetime.date) and hasattr(value, "hour")

class WrongDatetime(datetime.datetime, metaclass=Reads):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.now(datetime.UTC).replace(tzinfo=None)

time.time = lambda: right() + SHIFT
time.time_ns = lambda: int(time.time() * 1e9)
datetime.datetime = WrongDatetime
print("the clock is wrong by", SHIFT, file=sys.stderr, flush=True)
"""


@pytest.fixture
def broker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    with serving_broker(settings) as process:
        yield process


@pytest.fixture
def fleet(broker: subprocess.Popen[bytes], settings: Settings) -> Iterator[Fleet]:
    with fleet_of(settings) as fleet:
        yield fleet


def wait_for_success(fleet: Fleet, run_id: str) -> None:
    wait_until(lambda: fleet.toys.detail(run_id).run.status in RUN_ENDS, "the run ended")
    detail = fleet.toys.detail(run_id)
    assert detail.run.status == "succeeded", detail.run.message


def statuses(toys: Toys, run_id: str) -> list[list[str]]:
    """Of each step that was attempted, how its attempts ended."""
    detail = toys.detail(run_id)
    return [[each.status for each in detail.attempts[step.id]] for step in detail.steps]


def wrong_clock(directory: Path, shift: int) -> str:
    """A directory for PYTHONPATH."""
    place = directory / f"clock{shift}"
    place.mkdir()
    (place / "sitecustomize.py").write_text(WRONG_CLOCK.format(shift=shift))
    return str(place)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_c08_one_step_delivered_a_hundred_times_to_eight_workers_is_claimed_once(settings: Settings) -> None:
    inbox = Inbox()
    installed = [toy_services(open_services(settings), inbox) for _ in range(WORKERS)]
    toys = Toys(installed[0], inbox)
    run_id = toys.launch()
    ((step_id, _),) = inbox.sent
    sizes = {HEAVY: MESSAGES, LIGHT: MESSAGES}
    workers = [StepWorker(each, f"worker-{n}", Slots(ALL, sizes)) for n, each in enumerate(installed)]
    all_at_once(lambda number: workers[number % WORKERS].execute(step_id), MESSAGES)
    step = toys.detail(run_id).steps[0]
    assert (step.state, step.fence, step.attempt) == ("succeeded", 1, 1)
    assert statuses(toys, run_id)[0] == ["succeeded"]
    for services in installed:
        services.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_c10_workers_whose_clocks_are_an_hour_wrong_take_no_lease_too_early(
    fleet: Fleet, tmp_path: Path
) -> None:
    """The one that is behind holds a step for longer than a lease; the one that is ahead is the reaper."""
    fleet.start(PYTHONPATH=wrong_clock(tmp_path, -HOUR))
    run_id = fleet.toys.launch(parameters={"ticks": 90, "seconds": 0.1})
    wait_until(lambda: fleet.toys.detail(run_id).steps[0].state == "leased", "the step was claimed")
    fleet.start(PYTHONPATH=wrong_clock(tmp_path, HOUR))
    wait_for_success(fleet, run_id)
    assert statuses(fleet.toys, run_id) == [["succeeded"]] * 4
    home = fleet.toys.services.settings.home
    said = [(home / f"worker-{number}.log").read_text() for number in range(2)]
    assert ["the clock is wrong by -3600" in said[0], "the clock is wrong by 3600" in said[1]] == [True, True]


def test_c11_a_worker_killed_before_its_first_beat_loses_its_step_to_another(fleet: Fleet) -> None:
    doomed = fleet.start(FITTINGROOM_FAULT="attempt.layout:kill")
    run_id = fleet.toys.launch()
    assert doomed.wait(60) < 0
    step = fleet.toys.detail(run_id).steps[0]
    assert (step.state, step.fence, step.lease_owner is None) == ("leased", 1, False)
    fleet.start()
    wait_for_success(fleet, run_id)
    assert statuses(fleet.toys, run_id)[0] == ["lost", "succeeded"]


def test_c12_a_program_that_hogs_the_interpreter_does_not_stop_the_beats(fleet: Fleet) -> None:
    """Another worker looks on, who would take the step away. The one that hogs is not the one that beats."""
    fleet.start()
    run_id = fleet.toys.launch(parameters={"behaviour": f"hog {HOG_SECONDS}"})
    wait_until(lambda: fleet.toys.detail(run_id).steps[0].state == "leased", "the step was claimed")
    fleet.start()
    wait_for_success(fleet, run_id)
    assert statuses(fleet.toys, run_id) == [["succeeded"]] * 4
