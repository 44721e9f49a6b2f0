"""REST below /api/v1/runs/{run_id}: a run's features in S3."""

from typing import Any

from fastapi import APIRouter

from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.core.work import Work
from app.integrations.errands import queries
from app.integrations.errands import service as errands
from app.integrations.errands.views import errand_json
from app.runs import service
from app.runs.features import sending
from app.runs.tables import Run

router = APIRouter(prefix="/api/v1/runs/{run_id}/features", tags=["runs"])


@router.get("")
@requires(Role.VIEWER)
def show(run_id: str, work: Reading) -> dict[str, Any]:
    return features_json(work, service.get_run(work, run_id).run)


@router.post("", status_code=202)
@requires(Role.EDITOR)
def send(run_id: str, work: Writing, services: AppServices, actor: CurrentActor) -> dict[str, Any]:
    run = service.get_run(work, run_id).run
    sending.order_sending(work, services, actor, run)
    return features_json(work, run)


@router.delete("", status_code=202)
@requires(Role.EDITOR)
def remove(run_id: str, work: Writing, actor: CurrentActor) -> dict[str, Any]:
    run = service.get_run(work, run_id).run
    sending.order_removal(work, actor, run)
    return features_json(work, run)


@router.post("/cancellation")
@requires(Role.EDITOR)
def cancel(run_id: str, work: Writing) -> dict[str, Any]:
    run = service.get_run(work, run_id).run
    errands.cancel(work, queries.newest(work.session, run.id, sending.KINDS))
    return features_json(work, run)


def features_json(work: Work, run: Run) -> dict[str, Any]:
    place = sending.standing_at(work, run.id)
    newest = queries.newest(work.session, run.id, sending.KINDS)
    return {
        "run_id": run.id,
        "number": run.number,
        "in_aws": place is not None,
        "location": place.location if place else None,
        "last": errand_json(newest) if newest else None,
    }
