"""Workers as people see them, and what an administrator may ask of one: to drain, and to go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.accounts import audit
from app.core.errors import NotFound
from app.core.security import Actor
from app.core.work import Work
from app.runs import queries
from app.runs.tables import Run, Step, Worker
from app.runs.versions import own_version
from app.runs.workers import queries as worker_queries


class WorkerState(StrEnum):
    ALIVE = "alive"
    TROUBLED = "troubled"  # it lives, and can take nothing: see ``problem``
    DRAINING = "draining"
    DRAINED = "drained"
    SILENT = "silent"


class WorkerNotFound(NotFound):
    title = "No such worker"


@dataclass(frozen=True)
class Held:
    """A step that a worker has in hand."""

    step: str
    run_id: str
    run_number: int
    label: str
    since: datetime | None

    @property
    def url(self) -> str:
        return f"/runs/{self.run_id}?step={self.step}"


@dataclass(frozen=True)
class WorkerRow:
    """``slots`` by kind: heavy, light, card. ``key`` names what its machine joined with, "" where it did not.

    ``same_version``: it runs the very step programs that this process knows.
    """

    id: str
    host: str
    pid: int
    queues: Sequence[str]
    slots: Mapping[str, int]
    busy: int
    devices: Sequence[str]
    kinds: Sequence[str]
    state: WorkerState
    problem: str
    version: str
    same_version: bool
    key: str
    started_at: datetime
    seen_at: datetime
    running: Sequence[Held]

    @property
    def name(self) -> str:
        return self.id

    @property
    def size(self) -> int:
        """How many steps it takes at a time."""
        return sum(self.slots.values())


def worker_rows(work: Work) -> Sequence[WorkerRow]:
    """All that were seen within a day, in the order of their names."""
    workers = worker_queries.all_workers(work.session)
    held = worker_queries.held_by(work.session, workers)
    keys = worker_queries.keys_by_ids(work.session, [each.key_id for each in workers if each.key_id])
    now = queries.clock(work.session)
    names = {key.id: key.name for key in keys.values()}
    return [_row(each, held[each.id], names.get(each.key_id or "", ""), now) for each in workers]


def _row(worker: Worker, held: Sequence[tuple[Step, Run]], key: str, now: datetime) -> WorkerRow:
    return WorkerRow(
        id=worker.id,
        host=worker.host,
        pid=worker.pid,
        queues=[str(queue) for queue in worker.queues],
        slots={str(kind): int(count) for kind, count in worker.slots.items()},
        busy=len(held),
        devices=[str(device) for device in worker.devices or ()],
        kinds=[str(kind) for kind in worker.kinds],
        state=_state(worker, bool(held), now),
        problem=worker.problem or "",
        version=worker.version,
        same_version=worker.version == own_version(),
        key=key,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        running=[Held(step.name, run.id, run.number, run.label, step.started_at) for step, run in held],
    )


def _state(worker: Worker, busy: bool, now: datetime) -> WorkerState:
    if worker.seen_at <= now - timedelta(seconds=worker_queries.SILENT_SECONDS):
        return WorkerState.SILENT
    if worker.draining:
        return WorkerState.DRAINING if busy else WorkerState.DRAINED
    return WorkerState.TROUBLED if worker.problem else WorkerState.ALIVE


def drain(work: Work, actor: Actor, worker_id: str, *, leave: bool = False) -> Worker:
    """It takes nothing new and finishes what it has; with ``leave`` its process ends then."""
    worker = _worker(work, worker_id)
    worker.draining, worker.leaving = True, leave
    audit.record(work.session, actor.id, "worker.drained", worker.id, {"host": worker.host, "leave": leave})
    return worker


def resume(work: Work, actor: Actor, worker_id: str) -> Worker:
    worker = _worker(work, worker_id)
    worker.draining, worker.leaving = False, False
    audit.record(work.session, actor.id, "worker.resumed", worker.id, {"host": worker.host})
    return worker


def _worker(work: Work, worker_id: str) -> Worker:
    worker = work.session.get(Worker, worker_id)
    if worker is None:
        raise WorkerNotFound(f"There is no worker {worker_id!r}.", "See: fittingroom worker list.")
    return worker
