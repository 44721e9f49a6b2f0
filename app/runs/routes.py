"""The pages of runs: the list, one run with its event stream, the evaluation report, and the launch form."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from app.accounts.access import still_permitted
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.pages import render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.work import Work
from app.datasets.queries import dataset_by_name, versions_of
from app.runs import launching, live, queries, rows, service, views
from app.runs.launching import LaunchForm
from app.runs.listening import Listener
from app.runs.page import Asked, run_page
from app.runs.queries import RunFilter
from app.runs.report import report_of
from app.runs.rows import Filters
from app.runs.starting import CLASSIFIER
from ml.pipeline.catalogue import PIPELINES

router = APIRouter(include_in_schema=False)

LIVE_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class NothingMeasured(NotFound):
    title = "There is no evaluation yet"


@router.get("/runs")
@requires(Role.VIEWER)
def list_runs(
    request: Request,
    actor: CurrentActor,
    work: Reading,
    services: AppServices,
    filters: Annotated[Filters, Depends()],
    after: str = "",
) -> Response:
    narrowed = _narrowed(work, filters)
    page = queries.list_runs(work.session, narrowed, after or None, rows.PAGE)
    counts = queries.status_counts(work.session, narrowed)
    return render(
        request,
        "runs/list.html",
        may_edit=actor.may(Role.EDITOR),
        filters=filters,
        tabs=rows.tabs(filters, counts),
        rows=rows.rows(work, services, page.items, datetime.now(UTC)),
        total=page.total,
        next_url=filters.url(after=page.next) if page.next else None,
        first_url=filters.url() if after else None,
    )


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


@router.get("/launch")
@requires(Role.EDITOR)
def launch_page(request: Request, work: Reading, clone: str = "") -> Response:
    """With ``clone``, an earlier run's values; with ``recipe``, that recipe's."""
    form = launching.read(request.query_params)
    if not clone:
        return _launch_form(request, work, form)
    run = service.get_run(work, clone).run
    return _launch_form(request, work, launching.clone_of(run), cloned=run.number)


@router.post("/runs")
@requires(Role.EDITOR)
async def launch_run(request: Request, services: AppServices, actor: CurrentActor) -> Response:
    form = launching.read(await request.form())
    return await run_in_threadpool(_launch, request, services, actor, form)


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


def _narrowed(work: Reading, filters: Filters) -> RunFilter:
    """A data set that does not exist has no runs; it doesn't mean "all of them"."""
    subjects = None
    if filters.dataset:
        dataset = dataset_by_name(work.session, filters.dataset)
        versions = versions_of(work.session, dataset.id) if dataset else []
        subjects = [named.version.id for named in versions]
    return RunFilter(
        status=filters.status or None,
        pipeline=filters.pipeline or None,
        subject_ids=subjects,
        recipe=filters.recipe or None,
        text=filters.q or None,
    )


def _launch(request: Request, services: Services, actor: Actor, form: LaunchForm) -> Response:
    try:
        with services.works.writing() as work:
            run = launching.start(work, services, actor.id, form)
    except (Invalid, Conflict, NotFound) as refusal:
        with services.works.reading() as work:
            return _launch_form(request, work, launching.refused(form, refusal), status=422)
    return RedirectResponse(f"/runs/{run.id}", 303)


def _launch_form(
    request: Request, work: Work, form: LaunchForm, cloned: int = 0, status: int = 200
) -> Response:
    pipeline = PIPELINES[CLASSIFIER]
    versions, dataset = launching.version_choices(work.session, form.dataset)
    return render(
        request,
        "launch/form.html",
        status=status,
        pipeline=pipeline,
        recipe=launching.recipe_of(pipeline, form.recipe),
        groups=launching.groups(pipeline, form),
        form=replace(form, dataset=dataset, key=form.key or new_id("form")),
        versions=versions,
        cloned=cloned,
    )
