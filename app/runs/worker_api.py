"""REST under /api/v1/workers: who executes, and what an administrator asks of them."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from app.core.security import CurrentActor, Role, requires
from app.core.services import Reading, Writing
from app.core.work import Work
from app.runs import worker_queries, workers
from app.runs.workers import WorkerRow, WorkerState

router = APIRouter(prefix="/api/v1/workers", tags=["workers"])


class DrainRequest(BaseModel):
    """``leave``: its process ends once it has nothing left."""

    model_config = ConfigDict(extra="forbid")

    leave: bool = False


@router.get("")
@requires(Role.VIEWER)
def list_workers(work: Reading) -> dict[str, Any]:
    """Who serves which queues, and the queues in which a step waits in vain."""
    items = [worker_json(row) for row in workers.worker_rows(work) if row.state != WorkerState.SILENT]
    waiting = sorted(worker_queries.queues_without_worker(work.session))
    return {"items": items, "total": len(items), "next": None, "queues_without_worker": waiting}


@router.post("/{worker_id}/draining")
@requires(Role.ADMIN)
def drain_worker(worker_id: str, body: DrainRequest, work: Writing, actor: CurrentActor) -> dict[str, Any]:
    workers.drain(work, actor, worker_id, leave=body.leave)
    return _shown(work, worker_id)


@router.delete("/{worker_id}/draining")
@requires(Role.ADMIN)
def resume_worker(worker_id: str, work: Writing, actor: CurrentActor) -> dict[str, Any]:
    workers.resume(work, actor, worker_id)
    return _shown(work, worker_id)


def _shown(work: Work, worker_id: str) -> dict[str, Any]:
    work.session.flush()
    return next(worker_json(row) for row in workers.worker_rows(work) if row.id == worker_id)


def worker_json(row: WorkerRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "host": row.host,
        "state": row.state,
        "problem": row.problem,
        "queues": list(row.queues),
        "slots": dict(row.slots),
        "busy": row.busy,
        "devices": list(row.devices),
        "kinds": list(row.kinds),
        "version": row.version,
        "same_version": row.same_version,
        "key": row.key or None,
        "running": [
            {"run": each.run_number, "run_id": each.run_id, "step": each.step} for each in row.running
        ],
        "started_at": row.started_at.isoformat(),
        "seen_at": row.seen_at.isoformat(),
    }
