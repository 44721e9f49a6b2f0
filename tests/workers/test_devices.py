"""Which cards a machine has, and that each is given out once, whoever asks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs.installation import Toys
from workers.devices import Cards, cards_in, find_devices
from workers.slots import Slots, sizes_for
from workers.steps import StepWorker

LISTING = """GPU 0: NVIDIA H200 (UUID: GPU-aaaa-1)
  MIG 3g.71gb     Device  0: (UUID: MIG-bbbb-1)
  MIG 3g.71gb     Device  1: (UUID: MIG-bbbb-2)
GPU 1: NVIDIA H200 (UUID: GPU-aaaa-2)
"""


@pytest.fixture
def driver(tmp_path: Path) -> str:
    """A PATH on which the driver's program tells of two cards, one of them divided."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTING}END\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_a_card_in_parts_is_its_parts() -> None:
    assert cards_in(LISTING) == ("MIG-bbbb-1", "MIG-bbbb-2", "GPU-aaaa-2")


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, ("MIG-bbbb-1", "MIG-bbbb-2", "GPU-aaaa-2")),
        ({"CUDA_VISIBLE_DEVICES": "2"}, ("GPU-aaaa-2",)),
        ({"CUDA_VISIBLE_DEVICES": "GPU-aaaa"}, ("GPU-aaaa-2",)),
        ({"CUDA_VISIBLE_DEVICES": ""}, ()),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, ()),
        ({"FITTINGROOM_DEVICES": "0, 1,1"}, ("0", "1")),
        ({"FITTINGROOM_DEVICES": "none"}, ()),
    ],
)
def test_cards_are_what_the_driver_and_the_variables_leave(
    driver: str, tmp_path: Path, variables: dict[str, str], found: tuple[str, ...]
) -> None:
    assert find_devices({"PATH": driver, **variables}, tmp_path) == found


def test_without_a_driver_the_devices_are_counted(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / "dev" / name).touch()
    assert find_devices({"PATH": str(tmp_path)}, tmp_path) == ("0", "1")


def test_two_workers_of_a_host_never_give_out_the_same_card(tmp_path: Path) -> None:
    one, other = (Cards(["0", "1"], tmp_path / "locks") for _ in range(2))
    first, second = one.take(), other.take()
    assert first is not None
    assert second is not None
    assert {first.name, second.name} == {"0", "1"}
    assert one.take() is None
    first.give_back()
    again = other.take()
    assert again is not None
    assert again.name == first.name


def test_a_card_is_taken_until_its_program_has_ended(tmp_path: Path) -> None:
    cards = Cards(["0"], tmp_path / "locks")
    card = cards.take()
    assert card is not None
    program = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(card.lock,)
    )
    card.give_back()
    assert cards.take() is None
    program.communicate(b"\n")
    assert cards.take() is not None


def worker_with_cards(toys: Toys, locks: Path, *names: str) -> StepWorker:
    queues = ("cpu", "gpu", "io")
    return StepWorker(
        toys.services, "here", Slots(queues, sizes_for(queues, 3, len(names))), Cards(names, locks)
    )


def test_a_step_sees_the_one_card_that_is_its_own_and_others_see_none(toys: Toys, tmp_path: Path) -> None:
    run_id = toys.launch("devices", device="gpu")
    worker = worker_with_cards(toys, tmp_path, "7")
    assert toys.states(run_id) == {"light": "ready", "heavy": "ready"}
    for step_id, _ in list(toys.inbox.sent):
        worker.execute(step_id)
    assert set(toys.states(run_id).values()) == {"succeeded"}
    assert toys.text(run_id, "heavy", "devices.txt") == "7"
    assert toys.text(run_id, "light", "devices.txt") == ""


def test_a_step_on_a_card_is_left_to_a_worker_that_has_one(toys: Toys, tmp_path: Path) -> None:
    run_id = toys.launch("devices", device="gpu")
    none, taken = worker_with_cards(toys, tmp_path), worker_with_cards(toys, tmp_path, "0")
    elsewhere = Cards(["0"], tmp_path).take()
    assert elsewhere is not None
    step = next(each for each in toys.detail(run_id).steps if each.name == "heavy")
    for worker in (none, taken):
        worker.execute(step.id)
    assert toys.states(run_id)["heavy"] == "ready"
    elsewhere.give_back()
    taken.execute(step.id)
    assert toys.states(run_id)["heavy"] == "succeeded"


def test_a_run_that_may_choose_does_without_a_card_where_there_is_none(toys: Toys) -> None:
    steps = {step.name: step.queue for step in toys.detail(toys.launch("devices")).steps}
    assert steps == {"light": "cpu", "heavy": "cpu"}
