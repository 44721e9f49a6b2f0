"""The processes under ``make run``: started under a warden, restarted when they crash, stopped in time.

A child writes straight into its log file: through a pipe, a stalled supervisor would block the child.
The supervisor reads the file's end and repeats lines that report errors on the terminal.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ml.contract.faults import faultpoint

WARDEN = Path(__file__).with_name("warden.py")
BACK_OFF = (0.5, 1, 2, 5, 10, 30)  # seconds before the first, second, … restart in a row
STEADY_SECONDS = 60  # whoever ran this long starts again at the shortest back-off
LOG_LIMIT = 10 * 1024 * 1024
_REPORTS_ERROR = re.compile(r"\b(error|critical|fatal)\b", re.IGNORECASE)


def say(text: str) -> None:
    sys.stderr.write(f"fitting room: {text}\n")
    sys.stderr.flush()


class Child:
    """One supervised process. ``crashes`` counts those in a row."""

    def __init__(self, name: str, command: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.crashes = 0
        self._command = command
        self._log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._restart_at = 0.0
        self._read_to = 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            faultpoint("log.rotate")
            self._log.replace(self._log.with_suffix(".log.1"))
        self._started = time.monotonic()
        with self._log.open("ab") as log:
            self._read_to = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                [sys.executable, "-I", "-S", str(WARDEN), "--equal", str(os.getpid()), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    def watch(self) -> None:
        """One look: repeat what it reports, notice its end, start it again when its time has come."""
        self._repeat_errors()
        if self._process is None:
            if time.monotonic() >= self._restart_at:
                self.start()
            return
        code = self._process.poll()
        if code is not None:
            self._process = None
            self._crashed(code)

    def terminate(self) -> None:
        """The warden hands SIGTERM on to the process and waits for it."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGUSR1 is what the warden gets when its parent dies: it kills the whole group."""
        self._signal(signal.SIGUSR1)

    def last_lines(self, count: int = 15) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 8_000))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-count:])

    def _crashed(self, code: int) -> None:
        steady = time.monotonic() - self._started > STEADY_SECONDS
        self.crashes = 1 if steady else self.crashes + 1
        pause = BACK_OFF[min(self.crashes, len(BACK_OFF)) - 1]
        self._restart_at = time.monotonic() + pause
        say(f"the {self.name} process ended with {code}; starting it again in {pause} s. Its last lines:")
        sys.stderr.write(f"{self.last_lines()}\n    (whole log: {self._log})\n")

    def _repeat_errors(self) -> None:
        with self._log.open("rb") as log:
            log.seek(self._read_to)
            fresh = log.read(1_000_000)
        whole, newline, _ = fresh.rpartition(b"\n")
        self._read_to += len(whole) + len(newline)
        for line in whole.decode(errors="replace").splitlines():
            if _REPORTS_ERROR.search(line):
                sys.stderr.write(f"{self.name}: {line[:500]}\n")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
