"""Step `evaluate`: the model, exactly as it would be served, on the test part, beside the baseline."""

import os
import sys

from ml.contract.job import Job
from ml.contract.metrics import report_metrics, report_progress
from ml.contract.outcome import run_program
from ml.contract.stopping import StopSignal
from ml.evaluation.evaluate import evaluate_model


def main() -> None:
    stop = StopSignal()
    job = Job.from_environment()

    def progress(done: int, total: int, phase: str) -> None:
        stop.check()
        report_progress(done, total, phase)

    evaluation = evaluate_model(
        job.channel("model"),
        job.channel("features"),
        job.integer("seed"),
        int(os.environ.get("SM_NUM_CPUS", "1")),
        job.output_dir,
        progress,
    )
    metrics = evaluation["metrics"]
    report_metrics(0, **{f"test_{name}": metrics[name]["value"] for name in ("accuracy", "macro_f1", "ece")})


if __name__ == "__main__":
    sys.exit(run_program(main))
