"""A disk that is really full. It needs a mount of its own, which not every machine lets its users make."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIZE = "24m"


def on_a_small_disk(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """In a mount namespace of its own, so that nobody else sees the disk and nothing of it stays."""
    script = f"mount -t tmpfs -o size={SIZE} none {shlex.quote(str(home))} && exec {shlex.join(command)}"
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_c13_work_on_a_disk_that_is_really_full_is_refused_in_words_and_done_once_there_is_room(
    tmp_path: Path, migrated_home: Path
) -> None:
    home = tmp_path / "disk"
    home.mkdir()
    probe = on_a_small_disk(home, "true")
    if probe.returncode:
        pytest.skip(f"LEFT OUT: no disk of one's own can be mounted here: {probe.stderr.strip()}")
    done = on_a_small_disk(
        home, sys.executable, "-m", "tests.reliability.small_disk", str(migrated_home), str(home)
    )
    assert done.returncode == 0, done.stdout + done.stderr
