"""``python -m app.serve``: how a web process of a container ends, and what it says when it can't begin."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# It waits for the signal where it reads its settings, before the server has begun.
STOPPED_WHILE_STARTING = """
import signal
import app.serve as serve
serve._settings = lambda: (print("here", flush=True), signal.pause())
serve.main(["web"])
"""


def test_told_to_stop_before_it_has_begun_it_stops(tmp_path: Path) -> None:
    variables = {**os.environ, "FITTINGROOM_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED_WHILE_STARTING], cwd=ROOT, env=variables, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("DATABASE_URL_FILE", "/run/secrets/missing")],
    ids=["a wrong port", "a missing secret"],
)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, name: str, value: str) -> None:
    variables = {**os.environ, "FITTINGROOM_HOME": str(tmp_path), name: value}
    command = [sys.executable, "-m", "app.serve", "predict"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr
