"""Saving what the launch form shows as a recipe, changing one, deleting one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from app.core.addresses import address
from app.core.errors import Conflict, FittingRoomError, Invalid
from app.core.pages import redirect
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Services, Writing
from app.core.work import Work
from app.runs.launch_form import form as launching
from app.runs.launch_form.form import LaunchForm
from app.runs.launch_form.routes import form_page
from app.runs.recipes import service as recipes
from app.runs.starting import CLASSIFIER
from app.runs.tables import SavedRecipe

router = APIRouter(include_in_schema=False)

Verb = Callable[[Work, dict[str, str]], SavedRecipe]


@router.post("/recipes")
@requires(Role.EDITOR)
async def save_recipe(request: Request, services: AppServices, actor: CurrentActor) -> Response:
    form = launching.read(await request.form())

    def save(work: Work, values: dict[str, str]) -> SavedRecipe:
        return recipes.save(work, actor, CLASSIFIER, form.name, form.summary, values)

    return await run_in_threadpool(_saved, request, services, actor, form, save)


@router.post("/recipes/{recipe}")
@requires(Role.EDITOR)
async def change_recipe(
    request: Request, services: AppServices, actor: CurrentActor, recipe: str
) -> Response:
    fields = await request.form()
    form, seen = launching.read(fields), str(fields.get("row_version", ""))

    def change(work: Work, values: dict[str, str]) -> SavedRecipe:
        saved = recipes.get(work, CLASSIFIER, recipe)
        version = int(seen) if seen.isascii() and seen.isdigit() else 0
        return recipes.change(work, actor, saved, form.summary or saved.summary, values, version)

    return await run_in_threadpool(_saved, request, services, actor, form, change)


@router.post("/recipes/{recipe}/deletion")
@requires(Role.EDITOR)
def delete_recipe(
    work: Writing, actor: CurrentActor, recipe: str, pipeline: Annotated[str, Form()] = CLASSIFIER
) -> Response:
    recipes.delete(work, actor, recipes.get(work, pipeline, recipe))
    return redirect(f"/pipelines/{pipeline}", f"The recipe {recipe} was deleted.")


def _saved(request: Request, services: Services, actor: Actor, form: LaunchForm, verb: Verb) -> Response:
    """To the form with the recipe chosen; or the same form again with what is wrong beside its field."""
    try:
        with services.works.writing() as work:
            saved = verb(work, _values(work, form))
    except (Invalid, Conflict) as refusal:
        with services.works.reading() as work:
            return form_page(request, work, actor, _refused(form, refusal), status=refusal.status)
    named = {"recipe": saved.name, "dataset": form.dataset, "model": form.model}
    return redirect(address("/launch", named), f"The recipe {saved.name} was saved.")


def _values(work: Work, form: LaunchForm) -> dict[str, str]:
    """Everything that the form shows, whichever part of it the recipe says."""
    pipeline = launching.offered(work.session)
    fields = launching.fields(pipeline, launching.settled(pipeline, form))
    return {each.parameter.name: each.value for each in fields}


def _refused(form: LaunchForm, refusal: FittingRoomError) -> LaunchForm:
    """A bad value stands beside its field, everything else beside the recipe's name."""
    if "problems" in refusal.details:
        return launching.refused(form, refusal)
    said = f"{refusal.message} {refusal.advice}".strip()
    return replace(form, errors={"name": said}, problem="The recipe was not saved.")
