"""What a program says line by line, sorted: its log, its figures, how far it is.

The lines of a child process here and those of a job at AWS go through this, so both are told alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.runs.leases import Lease
from app.runs.tables import LogChunk, MetricPoint
from ml.contract.metrics import MetricLine, ProgressLine, parse_line
from workers.tailing import in_chunks


@dataclass
class Reported:
    """Progress lines move the bar and are left out of the log; metric lines become points and stay in it.

    ``written_lines`` and ``written_points`` count what was written before.
    """

    lines: list[str] = field(default_factory=list)
    points: list[MetricLine] = field(default_factory=list)
    progress: ProgressLine | None = None
    written_lines: int = 0
    written_points: int = 0

    def __bool__(self) -> bool:
        return bool(self.lines or self.points or self.progress)

    def take(self, lines: Sequence[str]) -> None:
        for line in lines:
            parsed = parse_line(line)
            if isinstance(parsed, ProgressLine):
                self.progress = parsed
                continue
            if isinstance(parsed, MetricLine):
                self.points.append(parsed)
            self.lines.append(line)

    def write(self, session: Session, lease: Lease) -> None:
        """Into the telemetry database; :meth:`written` follows once that is committed."""
        about = {"run_id": lease.run_id, "step_id": lease.step_id, "attempt": lease.attempt}
        line = self.written_lines + 1
        for chunk in in_chunks(self.lines):
            session.add(LogChunk(**about, line=line, text="\n".join(chunk)))
            line += len(chunk)
        for point in self.points:
            for name, value in point.values.items():
                session.add(MetricPoint(**about, step=point.step, name=name, value=value))

    def written(self) -> None:
        self.written_lines += len(self.lines)
        self.written_points += len(self.points)
        self.lines.clear()
        self.points.clear()

    def shown(self) -> Mapping[str, object] | None:
        """The step's bar, where it has moved."""
        if self.progress is None:
            return None
        return {"done": self.progress.done, "total": self.progress.total, "phase": self.progress.phase}

    def event(self, step: str, attempt: int) -> Mapping[str, object]:
        """For whoever watches: how far log and figures have grown."""
        return {
            "step": step,
            "attempt": attempt,
            "progress": self.shown(),
            "lines": self.written_lines,
            "points": self.written_points,
        }
