"""The gate before a SQLite file, between processes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import database
from app.core.database import WriteGate
from app.core.errors import Unavailable

HOLDS = """
import sys, time
from pathlib import Path
from app.core.database import WriteGate
with WriteGate(Path(sys.argv[1])).entered():
    print("inside", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "gate")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    yield process
    process.kill()
    process.communicate()


def test_whoever_waits_for_a_frozen_writer_is_told_so_and_writes_once_it_is_gone(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = WriteGate(tmp_path / "gate")
    holder.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.3)
    with pytest.raises(Unavailable, match="busy"), gate.entered():
        pass
    monkeypatch.undo()
    holder.kill()
    with gate.entered():  # would not return for half a minute if the first one still held anything
        pass


def test_a_waiting_writer_goes_on_as_soon_as_the_other_has_written(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    assert holder.stdin is not None
    holder.stdin.write("\n")
    holder.stdin.flush()
    with WriteGate(tmp_path / "gate").entered():
        pass
