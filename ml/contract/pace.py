"""Telling how far a program is, often enough to follow it and not more often."""

import time

from ml.contract.metrics import report_progress
from ml.contract.stopping import StopSignal

REPORT_SECONDS = 0.5


class Pace:
    """Between two pieces of work: stop if asked to, and say at most twice a second how far it is."""

    def __init__(self) -> None:
        self._stop = StopSignal()
        self._next = 0.0

    def __call__(self, done: int, total: int, phase: str) -> None:
        self._stop.check()
        if time.monotonic() >= self._next or done == total:
            report_progress(done, total, phase)
            self._next = time.monotonic() + REPORT_SECONDS
