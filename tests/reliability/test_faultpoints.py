"""The points themselves: free while unarmed, exact when armed, loud when mistyped."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ml.contract import faults
from ml.contract.faults import InjectedFault, armed, faultpoint, plan_of


def test_unarmed_nothing_happens() -> None:
    assert faults._plan is None
    faultpoint("anything")


def test_the_nth_time_and_only_then() -> None:
    with armed("disk.write:raise:3"):
        faultpoint("disk.write")
        faultpoint("another")
        faultpoint("disk.write")
        with pytest.raises(InjectedFault, match=r"disk\.write"):
            faultpoint("disk.write")
        faultpoint("disk.write")
    faultpoint("disk.write")


def test_a_star_counts_every_point() -> None:
    with armed("*:raise:2"):
        faultpoint("first")
        with pytest.raises(InjectedFault, match="second"):
            faultpoint("second")


def test_a_full_disk_is_the_systems_own_error_or_the_one_that_the_place_knows() -> None:
    with armed("disk.write:enospc"), pytest.raises(OSError, match="No space left") as full:
        faultpoint("disk.write")
    assert full.value.errno == errno.ENOSPC
    with armed("commit:enospc"), pytest.raises(KeyError):
        faultpoint("commit", lambda: KeyError("full"))


@pytest.mark.parametrize("text", ["a", "a:explode", "a:kill:soon", "a:kill:"])
def test_what_is_mistyped_is_refused(text: str) -> None:
    if text == "a:kill:":
        assert plan_of(text) is not None  # an empty count is the first time
        return
    with pytest.raises(ValueError, match="FITTINGROOM_FAULT"):
        plan_of(text)


def process(fault: str) -> subprocess.CompletedProcess[str]:
    program = "from ml.contract.faults import faultpoint\nfaultpoint('a')\nfaultpoint('b')\nprint('through')"
    environment = {**os.environ, faults.VARIABLE: fault}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )


def test_the_environment_arms_a_process_for_its_life(tmp_path: Path) -> None:
    assert process("").stdout == "through\n"
    assert process("b:kill").returncode == -signal.SIGKILL
    assert "InjectedFault" in process("b:raise").stderr
    record = tmp_path / "reached"
    assert process(f"record:{record}").returncode == 0
    assert record.read_text().split() == ["a", "b"]
