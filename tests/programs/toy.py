"""A step program for the engine's tests: its parameters say how it behaves."""

import ctypes
import os
import signal
import sys
import time

from ml.contract.job import Job
from ml.contract.metrics import report_metrics, report_progress
from ml.contract.outcome import StepRefused, run_program
from ml.contract.stopping import StopSignal


def main() -> None:
    job = Job.from_environment()
    stop = StopSignal()
    behaviour = job.parameters.get("behaviour", "ok")
    steps = int(job.parameters.get("ticks", "1"))
    report_progress(0, steps, "ticking")
    start = _resumed(job)
    for tick in range(start, steps):
        stop.check()
        print(f"tick {tick}")
        report_metrics(tick, loss=1.0 / (tick + 1))
        report_progress(tick + 1, steps, "ticking")
        (job.checkpoint_dir / "tick").write_text(str(tick + 1))
        time.sleep(float(job.parameters.get("seconds", "0")))
    if behaviour == "refuse":
        raise StepRefused("The data are not good.", "Send better data.")
    if behaviour == "refuse a NUL":
        raise StepRefused("Row 3 is 'a\0b'.", "Send better data.")
    if behaviour == "crash":
        raise ValueError("a defect")
    if behaviour == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "exit 3":
        sys.exit(3)
    if behaviour.startswith("hog "):
        # Called so, C keeps the interpreter's lock: no other thread of this process runs meanwhile.
        ctypes.PyDLL(None).sleep(int(behaviour.removeprefix("hog ")))
    _write(job)


def _resumed(job: Job) -> int:
    file = job.checkpoint_dir / "tick"
    start = int(file.read_text()) if file.exists() else 0
    if start:
        print(f"resumed at tick {start}")
    return start


def _write(job: Job) -> None:
    inputs = {
        f"{name}/{path.relative_to(directory)}": path.read_text()
        for name, directory in job.channels.items()
        for path in directory.rglob("*")
        if path.is_file()
    }
    (job.output_dir / "value.json").write_text(job.parameters.get("value", "{}"))
    (job.output_dir / "seen.txt").write_text(repr(sorted(inputs.items())))
    (job.output_dir / "environment.txt").write_text("\n".join(sorted(os.environ)))
    (job.output_dir / "devices.txt").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    (job.model_dir / "weights.txt").write_text("w" * 10)


if __name__ == "__main__":
    sys.exit(run_program(main))
