"""What an attempt's program writes, on its way into the telemetry database and to whoever watches."""

import time
from dataclasses import dataclass, field

import structlog

from app.core.database import AWAY
from app.core.work import Works
from app.runs import leases
from app.runs.leases import Lease
from workers.reported import Reported
from workers.tailing import Tail

log = structlog.get_logger()

FLUSH_SECONDS = 1.0  # one event a second is what a run's row lock bears easily


@dataclass
class Recorder:
    """Follows the program's output file."""

    works: Works
    lease: Lease
    step_name: str
    tail: Tail
    _reported: Reported = field(default_factory=Reported)
    _next_flush: float = 0.0

    def look(self) -> None:
        if time.monotonic() >= self._next_flush:
            self._reported.take(self.tail.read())
            self._flush()
            self._next_flush = time.monotonic() + FLUSH_SECONDS

    def close(self) -> None:
        """After the program has ended: everything it still wrote."""
        self._reported.take(self.tail.drain())
        self._flush()

    def _flush(self) -> None:
        """A database that is away costs nothing but lateness: what could not be written waits."""
        reported = self._reported
        if not reported:
            return
        try:
            if reported.lines or reported.points:
                with self.works.telemetry_writing() as work:
                    reported.write(work.session, self.lease)
                reported.written()
            with self.works.writing() as work:
                event = reported.event(self.step_name, self.lease.attempt)
                leases.note_progress(work, self.lease, reported.shown(), event)
            reported.progress = None
        except AWAY:
            log.warning("telemetry_not_written", step_id=self.lease.step_id, exc_info=True)
