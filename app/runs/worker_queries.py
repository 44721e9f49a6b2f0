"""Every read about workers, their keys, and what they have in hand."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import and_, delete, func, select
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


def running_count(session: Session, queue: str) -> int:
    """Steps of this queue that some worker has in hand."""
    held = and_(Step.queue == queue, Step.state == StepState.LEASED, CLAIMABLE)
    return session.scalar(select(func.count()).select_from(Step).where(held)) or 0


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
    return session.scalar(select(StorageProbe.sha256).limit(1))


def newest_artifact(session: Session) -> str | None:
    """Of a step that succeeded: what any worker of this installation must be able to read."""
    left = and_(Step.state == StepState.SUCCEEDED, Step.artifact.is_not(None))
    return session.scalar(select(Step.artifact).where(left).order_by(Step.id.desc()).limit(1))
