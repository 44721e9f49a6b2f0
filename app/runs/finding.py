"""Runs, saved recipes and pipelines, for the search across the product."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.core.addresses import address
from app.core.findings import Found, number_of, saying, spoken
from app.runs.tables import Run, SavedRecipe, Step
from ml.pipeline.catalogue import PIPELINES

NEWEST = 20_000  # labels have no index that finds their middle, so only the newest are looked through


def find_runs(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    """By number first, then by label, model and recipe, newest first."""
    numbered = number_of(words[0], "#") if len(words) == 1 else None
    exact = select(Run).where(Run.number == numbered) if numbered is not None else None
    found = list(session.scalars(exact)) if exact is not None else []
    last = session.scalar(select(Run.number).order_by(Run.number.desc()).limit(1)) or 0
    spoken_of = saying(words, Run.label, Run.model, Run.recipe, Run.pipeline)
    query = select(Run).where(Run.number > last - NEWEST, spoken_of)
    if numbered is not None:
        query = query.where(Run.number != numbered)
    found += session.scalars(query.order_by(Run.number.desc()).limit(limit - len(found)))
    return [_run(run) for run in found]


def _run(run: Run) -> Found:
    about = [run.recipe or run.pipeline, run.label, f"model {run.model}" if run.model else ""]
    told = ", ".join(each for each in [run.status, *about] if each)
    return Found("run", run.id, f"Run #{run.number}", told, f"/runs/{run.id}", run.created_at)


def find_recipes(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    """Those that people saved, and those that the pipelines come with."""
    known = or_(saying(words, SavedRecipe.name, SavedRecipe.summary), SavedRecipe.id == words[0])
    query = select(SavedRecipe).where(known).order_by(SavedRecipe.name).limit(limit)
    saved = [
        Found("recipe", one.id, one.name, one.summary, _launch(one.name), one.changed_at)
        for one in session.scalars(query)
    ]
    built_in = [
        Found("recipe", f"{pipeline.name}/{recipe.name}", recipe.name, recipe.summary, _launch(recipe.name))
        for pipeline in PIPELINES.values()
        for recipe in pipeline.recipes
        if spoken(words, f"{recipe.name} {recipe.summary}")
    ]
    return (saved + built_in)[:limit]


def _launch(recipe: str) -> str:
    return address("/launch", {"recipe": recipe})


def find_pipelines(words: Sequence[str]) -> list[Found]:
    return [
        Found(
            "pipeline",
            pipeline.name,
            pipeline.name,
            " → ".join(step.name for step in pipeline.steps),
            address("/runs", {"pipeline": pipeline.name}),
        )
        for pipeline in PIPELINES.values()
        if spoken(words, f"{pipeline.name} {' '.join(step.name for step in pipeline.steps)}")
    ]


def address_of_step(session: Session, step_id: str) -> str | None:
    step = session.get(Step, step_id)
    return f"/runs/{step.run_id}?step={step.name}" if step else None
