"""What each way of ending makes of a step: said by the program, final; done to it, tried again."""

import pytest

from app.runs.tables import Step
from workers import outcome
from workers.slots import Slots, sizes_for


def step(attempt: int = 1, released: int = 0) -> Step:
    return Step(name="train", attempt=attempt, released=released, max_attempts=3)


@pytest.mark.parametrize(
    ("code", "failure", "log", "to", "message", "advice"),
    [
        (65, "No text column.\nMap one.", "", "failed", "No text column.", "Map one."),
        (1, "ValueError: x\nSee the log.", "", "failed", "ValueError: x", "See the log."),
        (1, "", "Traceback\nKeyError: 'a'\n", "failed", "KeyError: 'a'", ""),
        (1, "", "", "failed", "wrote nothing", ""),
        (3, "", "", "failed", "exit code 3", "log"),
        (127, "", "", "failed", "exit code 127", "log"),
        (137, "", "", "ready", "memory", "smaller batch"),
        (139, "", "", "ready", "SIGSEGV", "log"),
        (143, "", "", "ready", "SIGTERM", "log"),
        (128 + 99, "", "", "ready", "signal 99", "log"),
    ],
)
def test_a_program_that_nobody_told_to_stop(
    code: int, failure: str, log: str, to: str, message: str, advice: str
) -> None:
    ending = outcome.ending_of(step(), code, failure, lambda: log)
    assert ending.to == to
    assert message in ending.message
    assert advice in ending.advice
    assert ending.exit_code == code


def test_the_third_counted_attempt_is_the_last_and_a_released_one_does_not_count() -> None:
    assert outcome.ending_of(step(3), 137, "", str).to == "failed"
    assert outcome.ending_of(step(3, released=1), 137, "", str).to == "ready"


@pytest.mark.parametrize(
    ("queues", "concurrency", "sizes"),
    [
        (["cpu", "gpu", "io"], 3, {"heavy": 1, "light": 2}),
        (["cpu", "gpu", "io"], 1, {"heavy": 1, "light": 1}),
        (["cpu", "io"], 6, {"heavy": 4, "light": 2}),
        (["gpu"], 2, {}),
        (["io"], 8, {"light": 8}),
    ],
)
def test_slots_are_divided_by_what_a_worker_serves(
    queues: list[str], concurrency: int, sizes: dict[str, int]
) -> None:
    assert sizes_for(queues, concurrency) == sizes


def test_a_full_group_turns_away_and_says_so_when_a_slot_is_free_again() -> None:
    slots = Slots(["cpu", "io"], {"heavy": 1, "light": 1})
    assert slots.take("cpu")
    assert slots.take("io")
    assert slots.free() == []
    assert slots.give_back("io") is False
    assert slots.take("cpu") is False
    assert slots.free() == [(["io"], 1)]
    assert slots.busy == 1
    assert slots.give_back("cpu") is True
