"""A step program that copies its share of the input's letters.

A file ``wait-2`` or ``fail-2`` in the directory ``told`` makes the second share wait while it is there, or
fail.
"""

import sys
import time
from pathlib import Path

from ml.contract.job import Job
from ml.contract.metrics import report_progress
from ml.contract.outcome import StepRefused, run_program
from ml.contract.stopping import StopSignal


def main() -> None:
    job = Job.from_environment()
    stop = StopSignal()
    ticks = job.integer("ticks")
    for tick in range(ticks):
        stop.check()
        report_progress(tick + 1, ticks, "copying")
        time.sleep(job.number("seconds"))
    share, told = job.share, Path(job.text("told") or "/nowhere")
    while (told / f"wait-{share.number}").exists():
        stop.check()
        time.sleep(0.05)
    if (told / f"fail-{share.number}").exists():
        raise StepRefused(f"Share {share.number} of {share.count} is not good.", "Mend it.")
    text = (job.channel("dataset") / "reviews.txt").read_text()
    mine = "".join(text[index] for index in share.of(len(text)))
    name = "merged.txt" if share.count == 1 else "part.txt"
    (job.output_dir / name).write_text(mine)


if __name__ == "__main__":
    sys.exit(run_program(main))
