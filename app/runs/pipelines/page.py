"""The pages about pipelines: their steps as a drawing, their parameters, their recipes side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.charts.notation import plain
from app.core.errors import NotFound
from app.core.pages import duration
from app.core.services import Services
from app.core.work import Work
from app.runs import queries
from app.runs.launch_form import form as launching
from app.runs.launch_form.page import RecipeChoice, recipe_choices
from app.runs.listing import queries as list_queries
from app.runs.listing import rows
from app.runs.listing.queries import Usual
from app.runs.listing.rows import RunRow
from app.runs.queries import RunFilter
from app.runs.recipes.queries import with_saved
from app.runs.run_page.cards import SIGNS
from app.runs.spec import kind_of, queue_of
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import (
    Condition,
    GateStep,
    NativeStep,
    Parameter,
    ParameterRef,
    Pipeline,
    ProgramStep,
    Step,
    needs,
)
from ml.pipeline.resolve import as_string

LATEST = 6
ABOUT = {
    "dataset-import": "Reads an uploaded file into an immutable version of a data set. Uploads start it.",
    "review-classifier": "Trains a classifier on a version of a data set and registers it if the gate opens.",
}


class PipelineNotFound(NotFound):
    title = "No such pipeline"


@dataclass(frozen=True)
class Node:
    """A step in the drawing; ``lines`` say what it does and how long it usually takes."""

    name: str
    kind: str
    lines: Sequence[str]


@dataclass(frozen=True)
class ParameterRow:
    """``values`` has the parameter's value in each recipe, and whether that differs from the default."""

    parameter: Parameter
    default: str
    allowed: str
    values: Sequence[tuple[str, bool]]
    steps: Sequence[str]


@dataclass(frozen=True)
class Listed:
    pipeline: Pipeline
    about: str
    steps: str
    runs: int


@dataclass(frozen=True)
class PipelinePage:
    pipeline: Pipeline
    about: str
    nodes: Sequence[Node]
    recipes: Sequence[RecipeChoice]
    groups: Mapping[str, Sequence[ParameterRow]]
    latest: Sequence[RunRow]
    total: int


def listed(work: Work) -> list[Listed]:
    found = []
    for pipeline in PIPELINES.values():
        runs = queries.list_runs(work.session, RunFilter(pipeline=pipeline.name), limit=1).total
        steps = " → ".join(step.name for step in pipeline.steps)
        found.append(Listed(pipeline, ABOUT.get(pipeline.name, ""), steps, runs))
    return found


def pipeline_page(work: Work, services: Services, name: str, now: datetime) -> PipelinePage:
    pipeline = with_saved(work.session, known(name))
    recipe = pipeline.default_recipe or None
    times = list_queries.usual_step_times(work.session, (name, recipe))
    page = queries.list_runs(work.session, RunFilter(pipeline=name, archived=False), limit=LATEST)
    return PipelinePage(
        pipeline,
        ABOUT.get(name, ""),
        [_node(step, times.get(step.name), recipe) for step in pipeline.steps],
        recipe_choices(work, pipeline),
        _groups(pipeline),
        rows.rows(work, services, page.items, now),
        page.total,
    )


def known(name: str) -> Pipeline:
    if name not in PIPELINES:
        raise PipelineNotFound(f"There is no pipeline {name[:60]!r}.", f"There are: {', '.join(PIPELINES)}.")
    return PIPELINES[name]


def _node(step: Step, usual: Usual | None, recipe: str | None) -> Node:
    lines = [f"after {', '.join(needs(step))}"] if needs(step) else []
    if isinstance(step, GateStep):
        lines += [_condition(one) for one in step.conditions]
        lines.append(f"opens the way to {', '.join(step.if_passed)}")
    elif isinstance(step, ProgramStep):
        lines.append(f"queue {queue_of(step)}{', cached' if step.cached else ''}")
    elif isinstance(step, NativeStep):
        lines.append("writes to the registry" if step.kind == "register" else "without a program")
    if usual:
        lines.append(f"{duration(usual.seconds)}, median of {usual.n}{f' of {recipe}' if recipe else ''}")
    return Node(step.name, kind_of(step), lines)


def _condition(one: Condition) -> str:
    right = one.right.name if isinstance(one.right, ParameterRef) else plain(one.right)
    return f"{one.label} {SIGNS.get(one.comparison, one.comparison)} {right}"


def _groups(pipeline: Pipeline) -> dict[str, list[ParameterRow]]:
    found: dict[str, list[ParameterRow]] = {}
    for parameter in pipeline.parameters:
        default = as_string(parameter.default)
        values = [as_string(one.values.get(parameter.name, parameter.default)) for one in pipeline.recipes]
        row = ParameterRow(
            parameter,
            default,
            launching.allowed(parameter) or ", ".join(parameter.choices or _boolean(parameter)),
            [(value, value != default) for value in values],
            [step.name for step in pipeline.steps if _uses(step, parameter.name)],
        )
        found.setdefault(parameter.group, []).append(row)
    return found


def _boolean(parameter: Parameter) -> tuple[str, ...]:
    return ("true", "false") if parameter.type == "boolean" else ()


def _uses(step: Step, name: str) -> bool:
    if isinstance(step, GateStep):
        return any(condition.right == ParameterRef(name) for condition in step.conditions)
    return ParameterRef(name) in step.arguments.values()
