"""Recipes that people save: offered beside those a pipeline comes with, wherever a recipe can be named.

A recipe is everybody's to use; its owner and administrators may change and delete it. Runs keep the values
they were launched with, whatever becomes of the recipe.
"""

import re
from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError

from app.accounts import audit
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id
from app.core.security import Actor, Role
from app.core.work import Work
from app.runs.launch import ParametersRefused
from app.runs.recipes import queries as recipe_queries
from app.runs.tables import SavedRecipe
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import ParameterValue, Pipeline
from ml.pipeline.resolve import BadParameters, resolve_parameters

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")  # it stands in addresses and on command lines
SUMMARY_LIMIT = 500


class RecipeNotFound(NotFound):
    title = "No such recipe"


class RecipeTaken(Conflict):
    title = "The name is taken"


class RecipeChanged(Conflict):
    title = "The recipe has changed since"


class NotYourRecipe(Forbidden):
    title = "Somebody else's recipe"


class NoRecipes(Invalid):
    title = "This pipeline takes no recipes"


def get(work: Work, pipeline: str, name: str) -> SavedRecipe:
    found = recipe_queries.recipe_by_name(work.session, pipeline, name)
    if found is None:
        builtin = [one.name for one in known_pipeline(pipeline).recipes]
        advice = f"{name} comes with the pipeline and stays as it is." if name in builtin else "See the list."
        raise RecipeNotFound(f"Nobody has saved a recipe {name[:60]!r}.", advice)
    return found


def save(
    work: Work, actor: Actor, pipeline: str, name: str, summary: str, given: Mapping[str, object]
) -> SavedRecipe:
    """A new recipe. What equals the parameter's default is left out, as in the recipes that come along."""
    definition = known_pipeline(pipeline)
    _check_name(definition, name)
    saved = SavedRecipe(
        id=new_id("rcp"),
        pipeline=pipeline,
        name=name,
        summary=_summary(summary),
        values=checked_values(definition, given),
        owner_id=actor.id,
        row_version=1,
    )
    if recipe_queries.recipe_by_name(work.session, pipeline, name):
        raise _taken(name)
    try:
        with work.session.begin_nested():
            work.session.add(saved)
    except IntegrityError:  # somebody saved the same name at the same moment
        raise _taken(name) from None
    audit.record(work.session, actor.id, "recipe.saved", saved.id, {"name": name, "pipeline": pipeline})
    return saved


def change(
    work: Work, actor: Actor, saved: SavedRecipe, summary: str, given: Mapping[str, object], row_version: int
) -> SavedRecipe:
    """``row_version`` is what the writer has seen; a change in between refuses theirs."""
    must_be_allowed(actor, saved)
    values = checked_values(known_pipeline(saved.pipeline), given)
    if not recipe_queries.replace_recipe(work.session, saved.id, row_version, _summary(summary), values):
        raise RecipeChanged(f"Somebody changed the recipe {saved.name} meanwhile.", "Look at it again first.")
    work.session.refresh(saved)
    audit.record(work.session, actor.id, "recipe.changed", saved.id, {"name": saved.name})
    return saved


def delete(work: Work, actor: Actor, saved: SavedRecipe) -> None:
    must_be_allowed(actor, saved)
    work.session.delete(saved)
    audit.record(work.session, actor.id, "recipe.deleted", saved.id, {"name": saved.name})


def may_change(actor: Actor, saved: SavedRecipe) -> bool:
    return saved.owner_id == actor.id or actor.may(Role.ADMIN)


def must_be_allowed(actor: Actor, saved: SavedRecipe) -> None:
    if not may_change(actor, saved):
        raise NotYourRecipe(
            f"The recipe {saved.name} is somebody else's.", "Save its values under a name of your own."
        )


def known_pipeline(name: str) -> Pipeline:
    found = PIPELINES.get(name)
    if found is None or not found.recipes:
        takers = ", ".join(one.name for one in PIPELINES.values() if one.recipes)
        raise NoRecipes(f"{name[:60]!r} takes no recipes.", f"These do: {takers}.")
    return found


def checked_values(pipeline: Pipeline, given: Mapping[str, object]) -> dict[str, ParameterValue]:
    try:
        values = resolve_parameters(pipeline, given)
    except BadParameters as error:
        problems = {problem.parameter: problem.message for problem in error.problems}
        raise ParametersRefused(str(error), "Correct the values.", problems=problems) from None
    defaults = {parameter.name: parameter.default for parameter in pipeline.parameters}
    return {name: value for name, value in values.items() if value != defaults[name]}


def _check_name(pipeline: Pipeline, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name[:60]!r} can't name a recipe.",
            "Use up to 60 letters, digits, dots, dashes and underscores, starting with a letter or digit.",
        )
    if name.lower() in [one.name for one in pipeline.recipes]:
        raise _taken(name)


def _summary(text: str) -> str:
    if len(text) > SUMMARY_LIMIT:
        raise Invalid(f"The description is longer than {SUMMARY_LIMIT} characters.", "Shorten it.")
    return text.strip()


def _taken(name: str) -> RecipeTaken:
    return RecipeTaken(f"There is a recipe {name} already.", "Choose another name, or change that one.")
