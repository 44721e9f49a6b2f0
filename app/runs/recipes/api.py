"""REST under /api/v1/recipes: what a run can be started with, and saving a set of values under a name."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.accounts.queries import actor_names
from app.core.pages import iso
from app.core.security import CurrentActor, Role, requires
from app.core.services import Reading, Writing
from app.core.work import Work
from app.runs import views
from app.runs.recipes import queries as recipe_queries
from app.runs.recipes import service as recipes
from app.runs.starting import CLASSIFIER
from app.runs.tables import SavedRecipe
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import ParameterValue, Pipeline

router = APIRouter(prefix="/api/v1", tags=["recipes"])


class RecipeRequest(BaseModel):
    """``values`` are what differs from the defaults. With ``row_version`` an existing recipe is changed."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    pipeline: str = CLASSIFIER
    summary: str = Field(default="", max_length=recipes.SUMMARY_LIMIT)
    values: dict[str, ParameterValue] = {}
    row_version: int | None = None


@router.get("/recipes")
@requires(Role.VIEWER)
def list_recipes(work: Reading) -> dict[str, Any]:
    """Each pipeline's parameters with what they may be, and its recipes, saved ones among them."""
    items = [_pipeline_json(work, pipeline) for pipeline in PIPELINES.values()]
    return {"items": items, "total": len(items), "next": None}


@router.get("/recipes/{recipe}")
@requires(Role.VIEWER)
def show_recipe(recipe: str, work: Reading, pipeline: str = CLASSIFIER) -> dict[str, Any]:
    """One that comes with the pipeline, or one that somebody saved."""
    found = next((one for one in recipes.known_pipeline(pipeline).recipes if one.name == recipe), None)
    if found:
        return {**views.recipe_json(found), "pipeline": pipeline}
    return saved_json(work, recipes.get(work, pipeline, recipe))


@router.post("/recipes", status_code=201)
@requires(Role.EDITOR)
def save_recipe(
    body: RecipeRequest, work: Writing, actor: CurrentActor, response: Response
) -> dict[str, Any]:
    if body.row_version is None:
        saved = recipes.save(work, actor, body.pipeline, body.name, body.summary, body.values)
        return saved_json(work, saved)
    before = recipes.get(work, body.pipeline, body.name)
    response.status_code = 200
    changed = recipes.change(work, actor, before, body.summary, body.values, body.row_version)
    return saved_json(work, changed)


@router.delete("/recipes/{recipe}", status_code=204)
@requires(Role.EDITOR)
def delete_recipe(recipe: str, work: Writing, actor: CurrentActor, pipeline: str = CLASSIFIER) -> None:
    recipes.delete(work, actor, recipes.get(work, pipeline, recipe))


def _pipeline_json(work: Work, pipeline: Pipeline) -> dict[str, Any]:
    saved = recipe_queries.saved_recipes(work.session, pipeline.name)
    shown = views.pipeline_json(pipeline)
    return {**shown, "recipes": [*shown["recipes"], *(saved_json(work, one) for one in saved)]}


def saved_json(work: Work, saved: SavedRecipe) -> dict[str, Any]:
    """In the shape of a recipe that comes along, with who saved it."""
    owner = actor_names(work.session, [saved.owner_id]).get(saved.owner_id)
    return {
        "name": saved.name,
        "summary": saved.summary,
        "values": saved.values,
        "id": saved.id,
        "pipeline": saved.pipeline,
        "owner": {"id": saved.owner_id, "name": owner},
        "row_version": saved.row_version,
        "created_at": iso(saved.created_at),
        "changed_at": iso(saved.changed_at),
    }
