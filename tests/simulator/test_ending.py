"""No container outlives the simulator, however it ends."""

import signal
import time
from pathlib import Path

import pytest

from tests.programs.cloud import PATIENCE_SECONDS, serving_simulator
from tests.simulator.scripts import processing_request
from tests.simulator.test_processing_jobs import WAITING, lives, pids_of


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])
def test_containers_end_with_it(number: signal.Signals, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving_simulator("--home", str(home)) as simulator:
        request = processing_request(simulator, "waiting", WAITING, "stubborn", hosts=2)
        simulator.client("sagemaker").create_processing_job(**request)
        pids = [*pids_of(simulator, "waiting"), *reapers(home)]
        assert all(lives(pid) for pid in pids)
        simulator.process.send_signal(number)
        simulator.process.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left := [pid for pid in pids if lives(pid)]:
            assert time.monotonic() < deadline, f"these live on: {left}"
            time.sleep(0.05)


def reapers(home: Path) -> list[int]:
    """Who sees to it, which ends last."""
    return [
        int(entry.parent.name)
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if b"simulator.reaper\0" + str(home).encode() in _words(entry)
    ]


def _words(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
