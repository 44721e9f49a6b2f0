import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.contract.job import Job
from ml.contract.metrics import MetricLine, ProgressLine, parse_line, report_metrics, report_progress
from ml.contract.outcome import EXIT_FAILED, EXIT_OK, EXIT_REFUSED, EXIT_STOPPED, StepRefused, run_program


def job(**parameters: object) -> Job:
    return Job.from_environment(
        {
            "SM_CHANNELS": '["reviews"]',
            "SM_CHANNEL_REVIEWS": "/data/reviews",
            "SM_HPS": json.dumps(parameters),
            "SM_MODEL_DIR": "/m",
            "SM_OUTPUT_DATA_DIR": "/o",
        }
    )


@pytest.mark.parametrize("given_value", [64, "64", '"64"', 64.0])
def test_a_number_is_read_raw_or_json_encoded(given_value: object) -> None:
    assert job(batch=given_value).integer("batch") == 64


@pytest.mark.parametrize(
    ("given_value", "read"), [(True, True), ("True", True), ('"false"', False), ("0", False)]
)
def test_a_flag_is_read_raw_or_json_encoded(given_value: object, read: bool) -> None:
    assert job(balance=given_value).flag("balance") is read


def test_what_is_no_number_flag_or_channel_is_refused_with_advice() -> None:
    with pytest.raises(StepRefused, match="rate is 'fast'") as refusal:
        job(rate="fast").number("rate")
    assert "number" in refusal.value.advice
    with pytest.raises(StepRefused, match="neither true nor false"):
        job(balance="perhaps").flag("balance")
    with pytest.raises(StepRefused, match="input features is missing"):
        job().channel("features")
    assert job().channel("reviews") == Path("/data/reviews")


@given(st.integers(0, 10**9), st.floats(allow_nan=False, allow_infinity=False))
def test_every_reported_metric_is_read_back(step: int, value: float) -> None:
    line = f"[metric] step={step} val_loss={value:.6g}"
    parsed = parse_line(line)
    assert isinstance(parsed, MetricLine)
    assert parsed.step == step
    assert parsed.values["val_loss"] == float(f"{value:.6g}")


def test_non_finite_metrics_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    report_metrics(3, train_loss=float("nan"), val_loss=0.5)
    report_metrics(4, train_loss=float("inf"))
    assert capsys.readouterr().out == "[metric] step=3 val_loss=0.5\n"


@given(st.text())
def test_any_phase_survives_the_line(phase: str) -> None:
    line = f"[progress] done=1 total=2 phase={json.dumps(phase)}"
    assert parse_line(line) == ProgressLine(1, 2, phase)


def test_progress_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    report_progress(5, 10, 'epoch "2"\n of 3')
    assert parse_line(capsys.readouterr().out) == ProgressLine(5, 10, 'epoch "2"\n of 3')


@given(st.text())
def test_other_lines_report_nothing(line: str) -> None:
    assert parse_line("x" + line) is None


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (StepRefused("No text.", "Map a column."), EXIT_REFUSED, "No text.\nMap a column."),
        (OSError(errno.ENOSPC, "no space"), EXIT_FAILED, "The disk is full."),
        # As safetensors says it, whose errors carry no number.
        (RuntimeError("I/O error: No space left on device (os error 28)"), EXIT_FAILED, "The disk is full."),
        (ValueError("odd"), EXIT_FAILED, "ValueError: odd"),
        (MemoryError("batch"), EXIT_FAILED, "Out of memory"),
    ],
)
def test_a_failure_is_told_in_the_failure_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, says: str
) -> None:
    monkeypatch.setenv("SM_OUTPUT_DIR", str(tmp_path))
    assert run_program(lambda: _raise(error)) == code
    assert says in (tmp_path / "failure").read_text()
    assert run_program(lambda: None) == EXIT_OK


def test_sigterm_ends_a_program_between_two_pieces_of_work() -> None:
    program = (
        "import sys, time\n"
        "from ml.contract.outcome import run_program\n"
        "from ml.contract.stopping import StopSignal\n"
        "def main():\n"
        "    stop = StopSignal()\n"
        "    print('working', flush=True)\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
        "        stop.check()\n"
        "sys.exit(run_program(main))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=os.environ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == EXIT_STOPPED
