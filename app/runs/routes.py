"""The pages of one run: the run with its event stream, the evaluation report, and what can be done to it."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from app.accounts.access import still_permitted
from app.core.errors import NotFound
from app.core.pages import render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.runs import live, service, views
from app.runs.listening import Listener
from app.runs.page import Asked, run_page
from app.runs.report import report_of

router = APIRouter(include_in_schema=False)

LIVE_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class NothingMeasured(NotFound):
    title = "There is no evaluation yet"


@router.get("/runs/{run_id}")
@requires(Role.VIEWER)
def show_run(
    request: Request,
    actor: CurrentActor,
    work: Reading,
    services: AppServices,
    run_id: str,
    asked: Annotated[Asked, Depends()],
) -> Response:
    page = run_page(work, services, run_id, asked, datetime.now(UTC))
    return render(
        request, "runs/run.html", page=page, may_edit=actor.may(Role.EDITOR), query=request.url.query
    )


@router.get("/runs/{run_id}/live")
@requires(Role.VIEWER)
def live_run(
    request: Request,
    actor: CurrentActor,
    work: Reading,
    services: AppServices,
    run_id: str,
    asked: Annotated[Asked, Depends()],
) -> Response:
    """The session ends with this function; the stream holds none, and no thread, while nothing happens."""
    run = service.get_run(work, run_id).run
    draw = live.drawing(services, request.app.state.jinja, run.id, asked, actor.may(Role.EDITOR))
    listener = Listener(lambda: still_permitted(request))
    stream = live.messages(services.watcher, run.id, draw, listener)
    return StreamingResponse(stream, media_type="text/event-stream", headers=LIVE_HEADERS)


@router.get("/runs/{run_id}/report")
@requires(Role.VIEWER)
def show_report(request: Request, work: Reading, services: AppServices, run_id: str) -> Response:
    page = run_page(work, services, run_id, Asked(), datetime.now(UTC))
    evaluation = views.evaluation_of(services.storage, page.detail)
    if evaluation is None:
        raise NothingMeasured(
            f"Run #{page.run.number} has measured nothing.", "Its page shows how far it has come."
        )
    return render(request, "runs/report.html", page=page, report=report_of(evaluation), gate=page.gate)


@router.post("/runs/{run_id}/cancellation")
@requires(Role.EDITOR)
def cancel_run(work: Writing, services: AppServices, actor: CurrentActor, run_id: str) -> Response:
    run = service.cancel(work, services, run_id, actor.id)
    return RedirectResponse(f"/runs/{run.id}", 303)


@router.post("/runs/{run_id}/retry")
@requires(Role.EDITOR)
def retry_run(work: Writing, services: AppServices, actor: CurrentActor, run_id: str) -> Response:
    run = service.retry(work, services, run_id, actor.id)
    return RedirectResponse(f"/runs/{run.id}", 303)
