"""The launch form, and what starts when it is sent."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.pages import redirect, render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services
from app.core.work import Work
from app.runs import launching, service
from app.runs.launching import LaunchForm
from app.runs.starting import CLASSIFIER
from ml.pipeline.catalogue import PIPELINES

router = APIRouter(include_in_schema=False)


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


def _launch(request: Request, services: Services, actor: Actor, form: LaunchForm) -> Response:
    try:
        with services.works.writing() as work:
            run = launching.start(work, services, actor.id, form)
    except (Invalid, Conflict, NotFound) as refusal:
        with services.works.reading() as work:
            return _launch_form(request, work, launching.refused(form, refusal), status=422)
    return redirect(f"/runs/{run.id}", f"Run #{run.number} was started.")


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
