"""REST under /api/v1/workers: who executes, and what an administrator asks of them."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from app.core.security import CurrentActor, Role, public, requires
from app.core.services import AppServices, Reading, Writing
from app.core.work import Work
from app.runs.tables import WorkerKey
from app.runs.workers import joining
from app.runs.workers import queries as worker_queries
from app.runs.workers import service as workers
from app.runs.workers.service import WorkerRow, WorkerState

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


class InviteRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class JoinRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    token: str


@router.get("/keys")
@requires(Role.ADMIN)
def list_keys(work: Reading) -> dict[str, Any]:
    items = [_key_json(key) for key in worker_queries.worker_keys(work.session)]
    return {"items": items, "total": len(items), "next": None}


@router.post("/keys", status_code=201)
@requires(Role.ADMIN)
def invite_machine(
    body: InviteRequest, work: Writing, services: AppServices, actor: CurrentActor
) -> dict[str, Any]:
    """``token`` is shown this once."""
    key, secret = joining.invite(work, services, actor, body.name)
    return {**_key_json(key), "token": secret}


@router.delete("/keys/{key_id}", status_code=204)
@requires(Role.ADMIN)
def revoke_key(key_id: str, work: Writing, actor: CurrentActor) -> None:
    joining.revoke(work, actor, key_id)


@router.post("/join")
@public("a machine that joins has nothing yet but the one-time token, which is checked")
def join(body: JoinRequest, request: Request, work: Writing, services: AppServices) -> dict[str, Any]:
    address = request.client.host if request.client else ""
    return {"settings": joining.join(work, services, body.token, address)}


def _key_json(key: WorkerKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "created_at": key.created_at.isoformat(),
        "joined_at": key.joined_at.isoformat() if key.joined_at else None,
        "joined_from": key.joined_from or None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


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
