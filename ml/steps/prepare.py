"""Step `prepare`: a data set version becomes tokenized, split features with a snapshot; or a share does."""

import sys

from ml.contract.job import Job
from ml.contract.outcome import run_program
from ml.contract.pace import Pace
from ml.features.prepare import PrepareSettings, prepare_features
from ml.features.sharing import prepare_share
from ml.features.tokenization import ReviewTokenizer
from ml.training.encoders import resolve_encoder


def main() -> None:
    progress = Pace()
    job = Job.from_environment()
    settings = PrepareSettings.from_job(job)
    encoder = resolve_encoder(settings.encoder)
    tokenizer = ReviewTokenizer(encoder.tokenizer, settings.fields, settings.limit)
    source = job.channel("dataset")
    if job.share.count > 1:
        prepare_share(source, tokenizer, settings, job.share, job.output_dir, progress)
    else:
        prepare_features(source, tokenizer, settings, job.output_dir, progress)


if __name__ == "__main__":
    sys.exit(run_program(main))
