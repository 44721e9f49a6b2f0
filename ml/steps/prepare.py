"""Step `prepare`: a data set version becomes tokenized, split features with a snapshot."""

import sys
import time

from ml.contract.job import Job
from ml.contract.metrics import report_progress
from ml.contract.outcome import run_program
from ml.contract.stopping import StopSignal
from ml.features.prepare import PrepareSettings, prepare_features
from ml.features.tokenization import ReviewTokenizer
from ml.training.encoders import resolve_encoder


def main() -> None:
    stop = StopSignal()
    job = Job.from_environment()
    settings = PrepareSettings.from_job(job)
    encoder = resolve_encoder(settings.encoder)
    tokenizer = ReviewTokenizer(encoder.tokenizer, settings.fields, settings.limit)
    told = time.monotonic()

    def progress(done: int, total: int, phase: str) -> None:
        nonlocal told
        stop.check()
        if done == total or time.monotonic() - told >= 0.5:
            report_progress(done, total, phase)
            told = time.monotonic()

    prepare_features(job.channel("dataset"), tokenizer, settings, job.output_dir, progress)


if __name__ == "__main__":
    sys.exit(run_program(main))
