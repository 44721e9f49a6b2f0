"""Twenty cycles of ``make chaos``, half of them on each database. The long run is a command of its own."""

import json
import subprocess
import sys

import pytest

from tests.programs.fleet import ROOT

CYCLES = 10


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_ten_random_faults_lose_and_double_nothing(database: str) -> None:
    chaos = [sys.executable, "-m", "tests.programs.chaos", "--cycles", str(CYCLES), "--database", database]
    done = subprocess.run(chaos, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr  # the seed stands in it
    result = json.loads(done.stdout.splitlines()[-1])
    assert sum(result["faults"].values()) == CYCLES
    assert (result["lost"], result["doubled"]) == (0, 0)
    assert result["runs"]["succeeded"] >= 5
