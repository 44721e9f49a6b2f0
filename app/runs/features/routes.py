"""What the run's page does with its features in S3."""

from fastapi import APIRouter
from fastapi.responses import Response

from app.core.pages import redirect
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Writing
from app.integrations.errands import queries
from app.integrations.errands import service as errands
from app.runs import service
from app.runs.features import sending
from app.runs.tables import Run

router = APIRouter(prefix="/runs/{run_id}/features", include_in_schema=False)


@router.post("")
@requires(Role.EDITOR)
def send(work: Writing, services: AppServices, actor: CurrentActor, run_id: str) -> Response:
    run = service.get_run(work, run_id).run
    sending.order_sending(work, services, actor, run)
    return redirect(_address(run), f"The features of run #{run.number} are being sent to AWS.")


@router.post("/removal")
@requires(Role.EDITOR)
def remove(work: Writing, actor: CurrentActor, run_id: str) -> Response:
    run = service.get_run(work, run_id).run
    sending.order_removal(work, actor, run)
    return redirect(_address(run), f"The features of run #{run.number} are being removed from AWS.")


@router.post("/cancellation")
@requires(Role.EDITOR)
def cancel(work: Writing, run_id: str) -> Response:
    run = service.get_run(work, run_id).run
    errands.cancel(work, queries.newest(work.session, run.id, sending.KINDS))
    return redirect(_address(run), "It is being cancelled.")


def _address(run: Run) -> str:
    return f"/runs/{run.id}?step={sending.STEP}&tab=artifacts#features-in-aws"
