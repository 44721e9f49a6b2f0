"""Every read about workers, their keys, and what they have in hand."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.runs.states import StepState
from app.runs.tables import CLAIMABLE, Run, Step, StorageProbe, Worker, WorkerKey

SILENT_SECONDS = 60
FORGOTTEN_SECONDS = 24 * 3600  # a worker that has been silent for so long is no longer shown


def live_workers(session: Session) -> list[Worker]:
    """Those that were seen within a minute, whether they take steps or not."""
    seen = Worker.seen_at > now(-SILENT_SECONDS)
    return list(session.scalars(select(Worker).where(seen).order_by(Worker.id)))


def serving_workers(session: Session) -> list[Worker]:
    """Those that take steps: alive, not draining, and able to."""
    return [each for each in live_workers(session) if not each.draining and not each.problem]


def served_queues(workers: Iterable[Worker]) -> set[str]:
    return {str(queue) for worker in workers for queue in worker.queues}


def queues_without_worker(session: Session) -> set[str]:
    """Queues in which a step waits and that no worker serves: "queued: no worker for gpu"."""
    ready = select(Step.queue).where(Step.state == StepState.READY, CLAIMABLE).distinct()
    return set(session.scalars(ready)) - served_queues(serving_workers(session))


def all_workers(session: Session) -> list[Worker]:
    return list(session.scalars(select(Worker).order_by(Worker.id)))


def held_by(session: Session, workers: Sequence[Worker]) -> Mapping[str, list[tuple[Step, Run]]]:
    """The steps that each of them has in hand, by its id."""
    found: dict[str, list[tuple[Step, Run]]] = {worker.id: [] for worker in workers}
    held = and_(Step.state == StepState.LEASED, CLAIMABLE, Step.lease_owner.in_(found))
    query = select(Step, Run).join(Run, Run.id == Step.run_id).where(held).order_by(Step.id)
    for step, run in session.execute(query).tuples():
        found[step.lease_owner or ""].append((step, run))
    return found


def has_room(session: Session, queue: str, most: int) -> bool:
    """Whether another step of this queue may be claimed in this transaction.

    On PostgreSQL those who ask for one queue come one after the other, each when the one before has
    committed: two that counted at once would both see the last place. Writers of SQLite are alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"queue {queue}"))))
    return running_count(session, queue) < most


def running_count(session: Session, queue: str) -> int:
    """Steps of this queue that some worker has in hand."""
    held = and_(Step.queue == queue, Step.state == StepState.LEASED, CLAIMABLE)
    return session.scalar(select(func.count()).select_from(Step).where(held)) or 0


def full_queues(session: Session, limits: Mapping[str, int]) -> frozenset[str]:
    return frozenset(queue for queue, most in limits.items() if running_count(session, queue) >= most)


def is_revoked(session: Session, key_id: str) -> bool:
    """Also where the key is gone altogether."""
    query = select(WorkerKey.id).where(WorkerKey.id == key_id, WorkerKey.revoked_at.is_(None))
    return session.scalar(query) is None


def leave_queue(session: Session, queue: str, other: str, device: str) -> int:
    """Steps that wait there in runs of this device wait in the other queue from now on."""
    of_runs = select(Run.id).where(Run.device == device)
    waiting = and_(Step.queue == queue, Step.state == StepState.READY, CLAIMABLE, Step.run_id.in_(of_runs))
    moved = update(Step).where(waiting).values(queue=other).returning(Step.id)
    return len(session.execute(moved.execution_options(synchronize_session=False)).all())


def forget_silent(session: Session) -> None:
    gone = delete(Worker).where(Worker.seen_at < now(-FORGOTTEN_SECONDS))
    session.execute(gone.execution_options(synchronize_session=False))


def worker_keys(session: Session) -> list[WorkerKey]:
    return list(session.scalars(select(WorkerKey).order_by(WorkerKey.id.desc())))


def key_by_secret(session: Session, secret_hash: str) -> WorkerKey | None:
    query = select(WorkerKey).where(WorkerKey.secret_hash == secret_hash).with_for_update()
    return session.scalar(query)


def keys_by_ids(session: Session, key_ids: Sequence[str]) -> dict[str, WorkerKey]:
    found = session.scalars(select(WorkerKey).where(WorkerKey.id.in_(key_ids)))
    return {key.id: key for key in found}


def probe(session: Session) -> str | None:
    """The first one, where two processes made one at the same time."""
    query = select(StorageProbe.sha256).order_by(StorageProbe.made_at, StorageProbe.sha256)
    return session.scalar(query.limit(1))


def newest_artifact(session: Session) -> str | None:
    """Of a step that succeeded: what any worker of this installation must be able to read."""
    left = and_(Step.state == StepState.SUCCEEDED, Step.artifact.is_not(None))
    return session.scalar(select(Step.artifact).where(left).order_by(Step.id.desc()).limit(1))
