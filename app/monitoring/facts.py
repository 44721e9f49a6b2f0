"""What the system page tells, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.monitoring.queries import HeldStep, LostAttempt, Outbox
from app.runs.workers.service import WorkerRow


@dataclass(frozen=True)
class QueueRow:
    """``workers`` take steps of it now; ``oldest_seconds``: how long the first of ``waiting`` has waited."""

    name: str
    waiting: int
    oldest_seconds: float | None
    running: int
    workers: int


@dataclass(frozen=True)
class Problem:
    """What is wrong, and what to do about it; ``line`` is what to type."""

    text: str
    advice: str
    line: str = ""


@dataclass(frozen=True)
class Disk:
    free: int
    total: int
    home: str
    databases: Mapping[str, int]


@dataclass(frozen=True)
class Audit:
    """``anchored`` is the newest entry whose hash stands outside the database, 0 before the first."""

    head: int
    anchored: int


@dataclass(frozen=True)
class ChoreRow:
    name: str
    does: str
    next_at: datetime | None
    finished_at: datetime | None
    outcome: Mapping[str, object]
    error: str


@dataclass(frozen=True)
class System:
    problems: Sequence[Problem]
    queues: Sequence[QueueRow]
    workers: Sequence[WorkerRow]
    leases: Sequence[HeldStep]
    lost: Sequence[LostAttempt]
    outbox: Outbox
    audit: Audit
    disk: Disk
    place: str  # where artifacts are stored
    versions: Mapping[str, str]
    chores: Sequence[ChoreRow]
    requests: Sequence[tuple[int, int]]  # minutes ago, requests
    p50: float | None
    p95: float | None
    now: datetime

    @property
    def stored(self) -> ChoreRow:
        return next(chore for chore in self.chores if chore.name == "collection")
