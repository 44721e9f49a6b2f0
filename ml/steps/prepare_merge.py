"""Merges the shards of step `prepare`: the same features as if one program had made them all."""

import sys

from ml.contract.job import Job
from ml.contract.outcome import run_program
from ml.contract.pace import Pace
from ml.features.sharing import merge_shares


def main() -> None:
    progress = Pace()
    job = Job.from_environment()
    merge_shares(job.shards, job.output_dir, progress)


if __name__ == "__main__":
    sys.exit(run_program(main))
