"""A child of the container's host: SIGTERM is handed on to it, and nothing that it started outlives it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from ml.contract.outcome import EXIT_STOPPED

Run = Callable[[Sequence[str], Mapping[str, str], Path], int]


def program_command(program: str) -> list[str]:
    return [sys.executable, "-P", "-m", program]


def run_plainly(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> int:
    """For a host that hears of signals otherwise."""
    return subprocess.run(command, env=environment, cwd=directory, check=False).returncode  # noqa: S603


class Children:
    """One after the other. The service stops a job by SIGTERM to the first process, and kills two minutes
    later: what runs then hears it at once, and nothing new is started."""

    def __init__(self) -> None:
        self.stopped = False
        self._group: int | None = None
        signal.signal(signal.SIGTERM, self._stop)

    def run(self, command: Sequence[str], environment: Mapping[str, str], directory: Path) -> int:
        """The exit code, 128 + n for a signal n; EXIT_STOPPED when it was not even started."""
        if self.stopped:
            return EXIT_STOPPED
        child = subprocess.Popen(command, env=environment, cwd=directory, start_new_session=True)  # noqa: S603
        self._group = child.pid
        if self._told():  # the signal came while the child was being made
            self._send(signal.SIGTERM)
        code = child.wait()
        self._send(signal.SIGKILL)
        self._group = None
        return code if code >= 0 else 128 - code

    def _told(self) -> bool:
        return self.stopped

    def _stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.stopped = True
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        if self._group is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, number)
