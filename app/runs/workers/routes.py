"""What the buttons of the system page ask of a worker; the page itself stands in app.monitoring."""

from fastapi import APIRouter
from fastapi.responses import Response

from app.core.pages import redirect
from app.core.security import CurrentActor, Role, requires
from app.core.services import Writing
from app.runs.workers import service as workers

router = APIRouter(include_in_schema=False)
PAGE = "/system"


@router.post("/system/workers/{worker_id}/drain")
@requires(Role.ADMIN)
def drain(worker_id: str, work: Writing, actor: CurrentActor) -> Response:
    worker = workers.drain(work, actor, worker_id)
    return redirect(PAGE, f"{worker.id} takes nothing new from now on.")


@router.post("/system/workers/{worker_id}/resume")
@requires(Role.ADMIN)
def resume(worker_id: str, work: Writing, actor: CurrentActor) -> Response:
    worker = workers.resume(work, actor, worker_id)
    return redirect(PAGE, f"{worker.id} takes steps again.")
