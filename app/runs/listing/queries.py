"""Reads that only lists make: what a filter can be set to, usual times of a recipe, scores of live runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from app.core.database import seconds_between
from app.runs.queries import RunFilter, ordered
from app.runs.states import RunStatus, StepState
from app.runs.tables import MetricPoint, Run, Step

LATEST = 100  # runs that a median looks back on
CACHED_AT_MOST = 1  # a run that took more from the cache says nothing about how long the work takes
VALIDATION = ("val_macro_f1", "validation_macro_f1")
AT_ONCE = 500

Recipe = tuple[str, str | None]  # a pipeline's name and a recipe's
Reported = tuple[str, str, int, float]  # by which step, of what name, the program's own count, the value


@dataclass(frozen=True)
class Usual:
    """The median of the latest ``n`` runs that succeeded."""

    seconds: float
    n: int


def usual_times(session: Session, recipes: Iterable[Recipe]) -> dict[Recipe, Usual]:
    """How long a run of each takes; left out where none has succeeded yet."""
    found = {recipe: _seconds(session, recipe) for recipe in set(recipes)}
    return {recipe: Usual(median(seconds), len(seconds)) for recipe, seconds in found.items() if seconds}


def _seconds(session: Session, recipe: Recipe) -> list[float]:
    latest = (
        select(Run.id, seconds_between(Run.started_at, Run.finished_at).label("seconds"))
        .where(Run.pipeline == recipe[0], Run.recipe == recipe[1], Run.status == RunStatus.SUCCEEDED)
        .order_by(Run.id.desc())
        .limit(LATEST)
        .subquery()
    )
    whole = (Step.cached, Step.part_of.is_(None))
    cached = select(func.count()).where(Step.run_id == latest.c.id, *whole).scalar_subquery()
    found = session.scalars(select(latest.c.seconds).where(cached <= CACHED_AT_MOST))
    return [seconds for seconds in found if seconds is not None]


def usual_step_times(session: Session, recipe: Recipe) -> dict[str, Usual]:
    """By the step's name, over those that were neither taken from the cache nor done in shards."""
    latest = (
        select(Run.id)
        .where(Run.pipeline == recipe[0], Run.recipe == recipe[1], Run.status == RunStatus.SUCCEEDED)
        .order_by(Run.id.desc())
        .limit(LATEST)
    )
    shard = aliased(Step)
    shards = exists().where(shard.run_id == Step.run_id, shard.part_of == Step.name)
    alone = (Step.part_of.is_(None), ~shards)
    ran = (Step.state == StepState.SUCCEEDED, Step.cached.is_(False), Step.started_at.is_not(None), *alone)
    took = seconds_between(Step.started_at, Step.finished_at)
    seconds: dict[str, list[float]] = {}
    for name, each in session.execute(select(Step.name, took).where(Step.run_id.in_(latest), *ran)).tuples():
        seconds.setdefault(name, []).append(each)
    return {name: Usual(median(each), len(each)) for name, each in seconds.items()}


def choices(session: Session) -> dict[str, list[str]]:
    """What there is to narrow a list to: pipelines, recipes, and the ids of those who launched."""
    columns = {"pipeline": Run.pipeline, "recipe": Run.recipe, "by": Run.actor_id}
    return {
        name: sorted(value for value in session.scalars(select(column).distinct()) if value)
        for name, column in columns.items()
    }


def latest_scores(telemetry: Session, run_ids: Sequence[str]) -> Mapping[str, float]:
    """The last macro-F1 that each of these runs reported on its validation part."""
    query = select(MetricPoint.run_id, MetricPoint.value).where(
        MetricPoint.run_id.in_(run_ids), MetricPoint.name.in_(VALIDATION)
    )
    return dict(telemetry.execute(query.order_by(MetricPoint.id)).tuples().all())


def reported(telemetry: Session, steps: Sequence[Step], names: Iterable[str]) -> list[Reported]:
    """Points of these names that the last attempts of these steps reported, in their order: one query."""
    query = select(
        MetricPoint.step_id, MetricPoint.attempt, MetricPoint.name, MetricPoint.step, MetricPoint.value
    )
    query = query.where(
        MetricPoint.run_id.in_({step.run_id for step in steps}),
        MetricPoint.step_id.in_([step.id for step in steps]),
        MetricPoint.name.in_(names),
    )
    last = {step.id: step.attempt for step in steps}
    rows = telemetry.execute(query.order_by(MetricPoint.id)).tuples()
    return [
        (step_id, name, count, value)
        for step_id, attempt, name, count, value in rows
        if attempt == last[step_id]
    ]


def all_runs(session: Session, narrowed: RunFilter, sort: str) -> Iterator[Sequence[Run]]:
    """Every run of a list, some hundred at a time."""
    cursor: str | None = None
    while page := list(session.scalars(ordered(narrowed, cursor, sort).limit(AT_ONCE))):
        yield page
        cursor = page[-1].id
