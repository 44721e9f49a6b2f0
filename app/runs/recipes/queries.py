"""Reads of the recipes that people have saved, and the one guarded write of one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.runs.tables import Run, SavedRecipe
from ml.pipeline.definition import Pipeline, Recipe


def saved_recipes(session: Session, pipeline: str) -> list[SavedRecipe]:
    query = select(SavedRecipe).where(SavedRecipe.pipeline == pipeline).order_by(SavedRecipe.name)
    return list(session.scalars(query))


def with_saved(session: Session, pipeline: Pipeline) -> Pipeline:
    """The pipeline with the saved recipes among its own, so that nothing else needs to tell them apart."""
    if not pipeline.recipes:
        return pipeline
    saved = saved_recipes(session, pipeline.name)
    recipes = tuple(Recipe(one.name, one.summary, one.values) for one in saved)
    return replace(pipeline, recipes=(*pipeline.recipes, *recipes))


def recipe_by_name(session: Session, pipeline: str, name: str) -> SavedRecipe | None:
    named = (SavedRecipe.pipeline == pipeline, func.lower(SavedRecipe.name) == name.lower())
    return session.scalar(select(SavedRecipe).where(*named))


def replace_recipe(
    session: Session, recipe_id: str, row_version: int, summary: str, values: Mapping[str, Any]
) -> bool:
    """True for exactly one of any number of writers who have seen the same version."""
    seen = update(SavedRecipe).where(SavedRecipe.id == recipe_id, SavedRecipe.row_version == row_version)
    written = seen.values(summary=summary, values=dict(values), row_version=row_version + 1, changed_at=now())
    return session.scalar(written.returning(SavedRecipe.id)) is not None


def runs_with_recipe(session: Session, pipeline: str, name: str) -> int:
    query = select(func.count()).select_from(Run).where(Run.pipeline == pipeline, Run.recipe == name)
    return session.scalar(query) or 0
