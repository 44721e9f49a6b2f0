"""The heartbeat of one attempt: a thread that prolongs the lease and listens for a cancellation.

It beats while inputs are laid out, while the program runs and while its artifact is stored. A program that
holds the interpreter's lock can't stop it: that runs in another process.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType

import structlog

from app.core.database import AWAY
from app.core.work import Work, Works
from app.runs import leases, queries
from app.runs.leases import Lease

log = structlog.get_logger()

BEATS_A_LEASE = 4
LOOK_SECONDS = 1.0
Beat = Callable[[Work, Lease], bool]
SURELY_MINE = 0.75  # of the lease without a good beat: stop before somebody else starts


class Heart:
    """``lost`` is set when the lease is gone or can't be known to stand, ``cancelled`` when the run is.

    ``beat`` prolongs another kind of lease than a worker's on a step.
    """

    def __init__(self, works: Works, lease: Lease, beat: Beat = leases.beat) -> None:
        self.lost = threading.Event()
        self.cancelled = threading.Event()
        self._works = works
        self._lease = lease
        self._prolong = beat
        self._done = threading.Event()
        self._last_good = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"heart {lease.step_id}", daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        # A thread begins with a context of its own, so what its lines are about is said again.
        lease = self._lease
        structlog.contextvars.bind_contextvars(run_id=lease.run_id, step_id=lease.step_id)
        try:
            self._beat_on()
        except Exception:
            log.exception("heart_stopped", step_id=self._lease.step_id)
            self.lost.set()

    def _beat_on(self) -> None:
        beat_every = self._lease.seconds / BEATS_A_LEASE
        next_beat = time.monotonic() + beat_every
        while not self._done.wait(min(LOOK_SECONDS, beat_every)):
            try:
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + beat_every
                    self._beat()
                self._look()
            except AWAY:
                log.warning("heartbeat_failed", step_id=self._lease.step_id, exc_info=True)
            if time.monotonic() - self._last_good > SURELY_MINE * self._lease.seconds:
                self._ask_once_more()
            if self.lost.is_set():
                return

    def _ask_once_more(self) -> None:
        """A machine that slept beats too late: only the database knows whose step it is by now."""
        try:
            self._beat()
        except AWAY:
            self.lost.set()

    def _beat(self) -> None:
        started = time.monotonic()
        with self._works.writing() as work:
            alive = self._prolong(work, self._lease)
        if alive:
            self._last_good = started
        else:
            self.lost.set()

    def _look(self) -> None:
        with self._works.reading() as work:
            if queries.cancel_requested(work.session, self._lease.run_id):
                self.cancelled.set()
