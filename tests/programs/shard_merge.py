"""Puts the letters that the shares copied together again."""

import sys

from ml.contract.job import Job
from ml.contract.outcome import run_program


def main() -> None:
    job = Job.from_environment()
    merged = "".join((shard / "part.txt").read_text() for shard in job.shards)
    (job.output_dir / "merged.txt").write_text(merged)


if __name__ == "__main__":
    sys.exit(run_program(main))
