"""The launch form, and what starts when it is sent."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from app.core.errors import Conflict, Invalid, NotFound
from app.core.pages import redirect, render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services
from app.core.snippets import Call, snippets
from app.core.work import Work
from app.datasets.queries import version_by_id
from app.runs import service
from app.runs.launch_compute import LOCAL, Wanted
from app.runs.launch_form import form as launching
from app.runs.launch_form.form import LaunchForm
from app.runs.launch_form.page import LaunchPage, launch_page
from app.runs.starting import CLASSIFIER

router = APIRouter(include_in_schema=False)


@router.get("/launch")
@requires(Role.EDITOR)
def show_form(request: Request, work: Reading, actor: CurrentActor) -> Response:
    """``clone`` takes an earlier run's values, ``recipe`` that recipe's; ``p.…`` changes single ones."""
    form = launching.read(request.query_params)
    if form.clone and not form.applied:
        form = launching.clone_of(service.get_run(work, form.clone), form)
    return form_page(request, work, actor, form)


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
            return form_page(request, work, actor, launching.refused(form, refusal), status=422)
    return redirect(f"/runs/{run.id}", f"Run #{run.number} was started.")


def form_page(request: Request, work: Work, actor: Actor, form: LaunchForm, status: int = 200) -> Response:
    page = launch_page(work, actor, form)
    headers = {"HX-Push-Url": page.address} if request.method == "GET" else {}
    return render(
        request,
        "launch/form.html",
        block="form",
        status=status,
        headers=headers,
        page=page,
        snippets=snippets(request, _call(work, page)),
    )


def _call(work: Work, page: LaunchPage) -> Call:
    """This very launch, for programs: the recipe, and only what was changed from it."""
    named = version_by_id(work.session, page.form.dataset)
    fields = [field for group in page.groups for field in (*group.shown, *group.folded)]
    changed = {each.parameter.name: each.value for each in fields if each.changed}
    wanted = page.form.wanted
    body = {
        "dataset": named.dataset.name if named else "",
        "version": named.version.number if named else None,
        "recipe": page.recipe.name,
        "parameters": changed,
        **({"model": page.form.model} if page.form.model else {}),
        "pipeline": CLASSIFIER,
        **launching.placed(page.form),
        **_compute(wanted),
    }
    words = [f"run start --dataset {named.dataset.name if named else 'NAME'} --recipe {page.recipe.name}"]
    words += [f"--param {name}={value}" for name, value in changed.items()]
    words += [f"--{name} {value}" for name, value in launching.placed(page.form).items()]
    words += [f"--compute {wanted.compute}"] if wanted.compute != LOCAL else []
    words += [f"--compute-step {step}={each}" for step, each in wanted.computes.items()]
    words += [f"--instance-type {step}={each}" for step, each in wanted.instance_types.items()]
    return Call("Start this run", "POST", "/api/v1/runs", body, " ".join(words))


def _compute(wanted: Wanted) -> dict[str, object]:
    """As REST takes it, as far as it is not as usual."""
    said: dict[str, object] = {} if wanted.compute == LOCAL else {"compute": wanted.compute}
    steps = {"computes": dict(wanted.computes), "instance_types": dict(wanted.instance_types)}
    return said | {name: each for name, each in steps.items() if each}
