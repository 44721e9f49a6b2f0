"""What an attempt's program writes, on its way into the telemetry database and to whoever watches."""

import time
from dataclasses import dataclass, field

import structlog

from app.core.database import AWAY
from app.core.work import Works
from app.runs import leases
from app.runs.leases import Lease
from app.runs.tables import LogChunk, MetricPoint
from ml.contract.metrics import MetricLine, ProgressLine, parse_line
from workers.tailing import Tail, in_chunks

log = structlog.get_logger()

FLUSH_SECONDS = 1.0  # one event a second is what a run's row lock bears easily


@dataclass
class Recorder:
    """Progress lines move the bar and are left out of the log; metric lines become points and stay in it."""

    works: Works
    lease: Lease
    step_name: str
    tail: Tail
    _lines: list[str] = field(default_factory=list)
    _points: list[MetricLine] = field(default_factory=list)
    _progress: ProgressLine | None = None
    _written_lines: int = 0
    _written_points: int = 0
    _next_flush: float = 0.0

    def look(self) -> None:
        if time.monotonic() >= self._next_flush:
            self._take(self.tail.read())
            self._flush()
            self._next_flush = time.monotonic() + FLUSH_SECONDS

    def close(self) -> None:
        """After the program has ended: everything it still wrote."""
        self._take(self.tail.drain())
        self._flush()

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            parsed = parse_line(line)
            if isinstance(parsed, ProgressLine):
                self._progress = parsed
                continue
            if isinstance(parsed, MetricLine):
                self._points.append(parsed)
            self._lines.append(line)

    def _flush(self) -> None:
        """A database that is away costs nothing but lateness: what could not be written waits."""
        if not (self._lines or self._points or self._progress):
            return
        try:
            if self._lines or self._points:
                self._write_telemetry()
            with self.works.writing() as work:
                leases.note_progress(work, self.lease, self._shown(), self._event())
            self._progress = None
        except AWAY:
            log.warning("telemetry_not_written", step_id=self.lease.step_id, exc_info=True)

    def _write_telemetry(self) -> None:
        about = {
            "run_id": self.lease.run_id,
            "step_id": self.lease.step_id,
            "attempt": self.lease.attempt,
        }
        with self.works.telemetry_writing() as work:
            line = self._written_lines + 1
            for chunk in in_chunks(self._lines):
                work.session.add(LogChunk(**about, line=line, text="\n".join(chunk)))
                line += len(chunk)
            for point in self._points:
                for name, value in point.values.items():
                    work.session.add(MetricPoint(**about, step=point.step, name=name, value=value))
        self._written_lines += len(self._lines)
        self._written_points += len(self._points)
        self._lines.clear()
        self._points.clear()

    def _shown(self) -> dict[str, object] | None:
        if self._progress is None:
            return None
        return {"done": self._progress.done, "total": self._progress.total, "phase": self._progress.phase}

    def _event(self) -> dict[str, object]:
        return {
            "step": self.step_name,
            "attempt": self.lease.attempt,
            "progress": self._shown(),
            "lines": self._written_lines,
            "points": self._written_points,
        }
