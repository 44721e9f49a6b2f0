"""SIGTERM as a question the program asks between two pieces of work, never an exception in the middle."""

import signal
from types import FrameType

from ml.contract.outcome import Stopped


class StopSignal:
    """Installed once by a step program's ``main``; loops call :meth:`check` where stopping is safe."""

    def __init__(self) -> None:
        self.received = False
        signal.signal(signal.SIGTERM, self._receive)

    def _receive(self, _signum: int, _frame: FrameType | None) -> None:
        self.received = True

    def check(self) -> None:
        if self.received:
            raise Stopped
