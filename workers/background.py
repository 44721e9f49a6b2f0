"""A thread of a worker beside its slots, which looks again and again whether there is something to do."""

import threading

import structlog


class Background:
    """``turn`` does what is due and returns for how many seconds to rest; ``seconds`` is the first rest."""

    def __init__(self, name: str, owner: str, seconds: float) -> None:
        self._owner = owner
        self._first = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is under way is not waited for: somebody else does it again or goes on with it."""
        self._stop.set()

    def turn(self) -> float:
        raise NotImplementedError

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(worker=self._owner)
        seconds = self._first
        while not self._stop.wait(seconds):
            seconds = self.turn()
