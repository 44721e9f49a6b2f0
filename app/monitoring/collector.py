"""What the database knows, as metrics: read when somebody scrapes, by one short unit of work.

Kept for a few seconds, so two scrapers and an open page cost one reading. A database that does not answer
leaves its figures out and says so in one of them; what the process counts itself is told all the same.
"""

import platform
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Generic, TypeVar, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from app.core.errors import FittingRoomError
from app.core.services import Services
from app.core.work import Work, Works
from app.monitoring import queries
from app.monitoring.queries import Outbox, Waiting
from app.monitoring.tables import Schedule
from app.runs.states import AttemptStatus
from app.runs.workers.service import WorkerRow, WorkerState, worker_rows
from ml.pipeline.definition import Queue

Value = TypeVar("Value")

QUEUES = get_args(Queue)
SLOTS = ("heavy", "light", "card")
KEPT_SECONDS = 5.0
SLOW_SECONDS = 60.0  # all attempts are counted: 40 ms with half a million of them


@dataclass(frozen=True)
class Reading:
    """One look at the database."""

    runs: Mapping[str, int]
    steps: Mapping[tuple[str, str], int]
    waiting: Sequence[Waiting]
    outbox: Outbox
    audit_head: int
    workers: Sequence[WorkerRow]
    stored: Mapping[str, Any]  # as a worker counted it last, see app.monitoring.chores


def read(work: Work) -> Reading:
    head = queries.audit_head(work.session)
    counted = work.session.get(Schedule, "collection")
    return Reading(
        queries.runs_by_status(work.session),
        queries.steps_under_way(work.session),
        queries.waiting(work.session),
        queries.outbox(work.session),
        head.seq if head else 0,
        worker_rows(work),
        (counted.outcome or {}) if counted else {},
    )


class _Kept(Generic[Value]):
    """The last look, until it is too old."""

    def __init__(self, seconds: float, look: Callable[[Work], Value], clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._look = look
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[float, Value] | None = None

    def get(self, works: Works) -> Value:
        with self._lock:
            if self._seen is None or self._clock() - self._seen[0] > self._seconds:
                with works.reading() as work:
                    self._seen = (self._clock(), self._look(work))
            return self._seen[1]


class DatabaseCollector(Collector):
    """Registered once an application; ``collect`` is called from any thread."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._reading = _Kept(KEPT_SECONDS, read, clock)
        self._attempts = _Kept(SLOW_SECONDS, lambda work: queries.attempts_by_status(work.session), clock)

    def describe(self) -> Iterable[Metric]:
        return []  # else registering would read the database

    def collect(self) -> Iterator[Metric]:
        yield _build()
        yield from _of_this_process(self._services)
        up = "Whether the database answered this scrape."
        try:
            told = [*_told(self._reading.get(self._services.works))]
            told += _attempts(self._attempts.get(self._services.works))
        except (SQLAlchemyError, FittingRoomError):
            yield _gauge("database_up", up, 0)
            return
        yield _gauge("database_up", up, 1)
        yield from told


def _build() -> Metric:
    family = GaugeMetricFamily(
        "fittingroom_build_info", "Always 1; its labels say what runs.", labels=["version", "python"]
    )
    family.add_metric([version("fittingroom"), platform.python_version()], 1)
    return family


def _of_this_process(services: Services) -> Iterator[Metric]:
    used = GaugeMetricFamily(
        "fittingroom_database_connections_used", "Of this process, by database.", labels=["database"]
    )
    size = GaugeMetricFamily(
        "fittingroom_database_connections_limit", "The most that this process opens.", labels=["database"]
    )
    databases = {"main": services.databases.main, "telemetry": services.databases.telemetry}
    for name, database in databases.items():
        pool = database.engine.pool
        if isinstance(pool, QueuePool):
            used.add_metric([name], pool.checkedout())
            size.add_metric([name], pool.size())
    yield from (used, size)
    disk = shutil.disk_usage(services.settings.home)
    yield _gauge("disk_free_bytes", "Free on the disk of the home directory.", disk.free)
    yield _gauge("disk_bytes", "Size of the disk of the home directory.", disk.total)


def _told(reading: Reading) -> Iterator[Metric]:
    yield _by("runs", "Runs by status.", "status", reading.runs)
    steps = GaugeMetricFamily(
        "fittingroom_steps", "Steps of runs that have not ended.", labels=["state", "queue"]
    )
    for (state, queue), count in reading.steps.items():
        steps.add_metric([state, queue], count)
    yield steps
    oldest = {each.queue: each.seconds for each in reading.waiting}
    yield _by("ready_step_seconds", "How long the oldest ready step has waited.", "queue", oldest)
    yield _gauge("outbox_messages", "Messages that wait to be delivered.", reading.outbox.waiting)
    yield _gauge("outbox_oldest_seconds", "How long the oldest of them has waited.", reading.outbox.seconds)
    yield _gauge("audit_head", "The number of the newest entry of the audit.", reading.audit_head)
    if "stored_bytes" in reading.stored:
        counted = "as a worker counted them within a day"
        yield _gauge("stored_files", f"Artifacts, {counted}.", reading.stored["stored_files"])
        yield _gauge("stored_bytes", f"Bytes of artifacts, {counted}.", reading.stored["stored_bytes"])
    yield from _workers(reading.workers)


def _workers(rows: Sequence[WorkerRow]) -> Iterator[Metric]:
    living = [row for row in rows if row.state != WorkerState.SILENT]
    states = {str(state): 0 for state in WorkerState}
    for row in rows:
        states[row.state] += 1
    yield _by("workers", "Workers seen within a day, by state.", "state", states)
    serving = dict.fromkeys(QUEUES, 0)
    slots = dict.fromkeys(SLOTS, 0)
    for row in living:
        for queue in row.queues if row.state == WorkerState.ALIVE else ():
            serving[queue] = serving.get(queue, 0) + 1
        for kind, count in row.slots.items():
            slots[kind] = slots.get(kind, 0) + count
    yield _by("queue_workers", "Workers that take steps of a queue.", "queue", serving)
    yield _by("worker_slots", "Steps that living workers take at a time, by kind of slot.", "kind", slots)
    yield _gauge(
        "worker_slots_busy", "Steps that living workers have in hand.", sum(row.busy for row in living)
    )


def _attempts(counts: Mapping[str, int]) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "fittingroom_attempts", "Attempts at steps that have ended, by status.", labels=["status"]
    )
    for status in AttemptStatus:
        if status != AttemptStatus.RUNNING:
            family.add_metric([status], counts.get(status, 0))
    yield family
    reaped = CounterMetricFamily(
        "fittingroom_lease_reaps",
        "Leases that were taken from workers that sent no heartbeat.",
        value=counts.get(AttemptStatus.LOST, 0),
    )
    yield reaped


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"fittingroom_{name}", text, value=value)


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"fittingroom_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
