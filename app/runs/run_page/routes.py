"""The page of one run with its event stream, its figures' numbers, and what can be done to it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response, StreamingResponse

from app.accounts.access import still_permitted
from app.charts.figure import Figure
from app.core import lists
from app.core.errors import NotFound
from app.core.lists import Column, csv_file, list_file
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.snippets import Call, Snippet, snippets
from app.keeping.view import panel_of as keeping_of
from app.runs import queries, service
from app.runs.launch_compute import LOCAL
from app.runs.listening import Listener
from app.runs.places import priority_word
from app.runs.queries import RunDetail
from app.runs.run_page import curves, live
from app.runs.run_page.asked import Asked
from app.runs.run_page.page import RunPage, run_page
from app.runs.tables import MetricPoint

router = APIRouter(include_in_schema=False)

LIVE_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
POINTS: Sequence[Column[MetricPoint]] = (
    Column("name", lambda point: point.name),
    Column("at_step", lambda point: point.step),
    Column("value", lambda point: point.value),
    Column("at", lambda point: point.at),
)


class NoSuchFigure(NotFound):
    title = "There is no such figure"


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
        request,
        "runs/run.html",
        page=page,
        may_edit=actor.may(Role.EDITOR),
        query=request.url.query,
        keeping=keeping_of(work, services, page.run.id),
        snippets=_snippets(request, page),
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
    listener = Listener(lambda: still_permitted(request), services.watcher)
    stream = live.messages(services.watcher, run.id, draw, listener)
    return StreamingResponse(stream, media_type="text/event-stream", headers=LIVE_HEADERS)


@router.get("/runs/{run_id}/figures/{name}.csv")
@requires(Role.VIEWER)
def figure_file(
    work: Reading, services: AppServices, run_id: str, name: str, asked: Annotated[Asked, Depends()]
) -> Response:
    detail = service.get_run(work, run_id)
    found = next((each for each in _figures(services, detail, asked) if each.name == name), None)
    if found is None:
        raise NoSuchFigure(f"Run #{detail.run.number} has no figure {name!r} yet.", "Open the run's page.")
    return csv_file(f"run-{detail.run.number}-{name}", *found.csv())


@router.get("/runs/{run_id}/metrics.{form}")
@requires(Role.VIEWER)
def points_file(
    work: Reading, services: AppServices, run_id: str, form: lists.Form, asked: Annotated[Asked, Depends()]
) -> Response:
    detail = service.get_run(work, run_id)
    points = _points(services, detail, asked)
    return list_file(form, f"run-{detail.run.number}-metrics", POINTS, points)


@router.post("/runs/{run_id}/cancellation")
@requires(Role.EDITOR)
def cancel_run(work: Writing, services: AppServices, actor: CurrentActor, run_id: str) -> Response:
    run = service.cancel(work, services, run_id, actor.id)
    word = "was cancelled" if run.status == "cancelled" else "is being cancelled"
    return redirect(f"/runs/{run.id}", f"Run #{run.number} {word}.")


@router.post("/runs/{run_id}/retry")
@requires(Role.EDITOR)
def retry_run(work: Writing, services: AppServices, actor: CurrentActor, run_id: str) -> Response:
    run = service.retry(work, services, run_id, actor.id)
    return redirect(f"/runs/{run.id}", f"Run #{run.number} goes on from where it stopped.")


@router.post("/runs/{run_id}/place")
@requires(Role.EDITOR)
def place_run(
    work: Writing,
    actor: CurrentActor,
    run_id: str,
    priority: Annotated[str | None, Form()] = None,
    device: Annotated[str | None, Form()] = None,
) -> Response:
    run = service.place(work, run_id, actor.id, priority=priority, device=device)
    said = f"Run #{run.number} has the priority {priority_word(run.priority)} and the device {run.device}."
    return redirect(f"/runs/{run.id}", said)


def _figures(services: Services, detail: RunDetail, asked: Asked) -> Sequence[Figure]:
    drawn = curves.timeline(detail, datetime.now(UTC), every=True)
    return [*([drawn] if drawn else []), *curves.curves(_points(services, detail, asked))]


def _points(services: Services, detail: RunDetail, asked: Asked) -> Sequence[MetricPoint]:
    """Of one step, by default of all, and of its attempt, by default the latest."""
    step = service.get_step(detail, asked.step) if asked.step else None
    attempt = service.get_attempt(detail, step, asked.attempt) if step else None
    with services.works.telemetry_reading() as telemetry:
        return queries.metric_points(
            telemetry.session, detail.run.id, step.id if step else None, attempt.number if attempt else None
        )


def _snippets(request: Request, page: RunPage) -> Sequence[Snippet]:
    run = page.run
    address = f"/api/v1/runs/{run.id}"
    calls = [
        Call("This run with its steps", "GET", address, command=f"run show {run.number}"),
        Call("What its steps reported", "GET", f"{address}/metrics"),
        Call("Its files", "GET", f"{address}/artifacts", command=f"run artifacts {run.number}"),
    ]
    if page.dataset and page.launchable:
        calls.append(Call("Start one like it", "POST", "/api/v1/runs", _start(page)))
    return snippets(request, *calls)


def _start(page: RunPage) -> dict[str, Any]:
    assert page.dataset is not None, "asked for a run on a data set"
    usual = dict(page.recipe.values) if page.recipe else {}
    changed = {row.name: page.run.parameters[row.name] for row in page.parameters if row.changed}
    compute = {} if page.run.compute == LOCAL else {"compute": page.run.compute}
    return {
        "dataset": page.dataset.dataset.name,
        "version": page.dataset.version.number,
        "recipe": page.run.recipe,
        "parameters": {name: value for name, value in changed.items() if usual.get(name) != value},
        **compute,
    }
