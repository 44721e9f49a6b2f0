"""The pages about pipelines."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core.lists import Column, Form, list_file
from app.core.pages import render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.runs.pipelines import executions
from app.runs.pipelines import page as pipelines
from app.runs.pipelines.page import Listed
from app.runs.recipes import service as recipes

router = APIRouter(include_in_schema=False)

COLUMNS: list[Column[Listed]] = [
    Column("pipeline", lambda row: row.pipeline.name),
    Column("about", lambda row: row.about),
    Column("steps", lambda row: [step.name for step in row.pipeline.steps]),
    Column("parameters", lambda row: len(row.pipeline.parameters)),
    Column("recipes", lambda row: [recipe.name for recipe in row.pipeline.recipes]),
    Column("runs", lambda row: row.runs),
]


@router.get("/pipelines")
@requires(Role.VIEWER)
def list_pipelines(request: Request, work: Reading) -> Response:
    call = Call("The pipelines", "GET", "/api/v1/recipes", command="recipe ls")
    return render(
        request, "pipelines/list.html", listed=pipelines.listed(work), snippets=snippets(request, call)
    )


@router.get("/pipelines.{form}")
@requires(Role.VIEWER)
def pipelines_file(work: Reading, form: Form) -> Response:
    return list_file(form, "pipelines", COLUMNS, pipelines.listed(work))


@router.get("/pipelines/{pipeline}")
@requires(Role.VIEWER)
def show_pipeline(
    request: Request, actor: CurrentActor, work: Reading, services: AppServices, pipeline: str
) -> Response:
    page = pipelines.pipeline_page(work, services, pipeline, datetime.now(UTC))
    calls = (
        Call("Parameters and recipes", "GET", "/api/v1/recipes", command="recipe ls"),
        Call("Its runs", "GET", f"/api/v1/runs?pipeline={page.pipeline.name}", command="run ls"),
    )
    mine = {one.recipe.name for one in page.recipes if one.saved and recipes.may_change(actor, one.saved)}
    return render(
        request,
        "pipelines/pipeline.html",
        page=page,
        mine=mine if actor.may(Role.EDITOR) else set(),
        may_edit=actor.may(Role.EDITOR),
        snippets=snippets(request, *calls),
    )


@router.get("/pipelines/{pipeline}/executions")
@requires(Role.VIEWER)
def show_executions(request: Request, services: AppServices, pipeline: str) -> Response:
    """Asked of SageMaker at this moment; where it can't be asked the page says why."""
    known = pipelines.known(pipeline)
    command = "run start --dataset NAME --compute sagemaker-pipeline"
    body = {"dataset": "NAME", "pipeline": known.name, "compute": "sagemaker-pipeline"}
    call = Call("Start one", "POST", "/api/v1/runs", body, command)
    return render(
        request,
        "pipelines/executions.html",
        pipeline=known,
        page=executions.executions_page(services, known.name),
        snippets=snippets(request, call),
    )
