"""What made compared runs differ: parameters, inputs, code, environment; and where their time went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.meter import against
from app.charts.notation import NONE
from app.core.pages import duration
from app.runs.compare.page import Column
from app.runs.folding import Folded, folded
from app.runs.queries import RunDetail
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.resolve import as_string

Facts = Mapping[str, str]
ONE_OF = {"Parameters": "Parameter", "Inputs": "Input", "Code": "Program of", "Environment": "Variable"}


@dataclass(frozen=True)
class DiffRow:
    """One value in each run; ``marked`` where it is another than the first run's."""

    name: str
    default: str
    values: Sequence[tuple[str, bool]]

    @property
    def differs(self) -> bool:
        return any(marked for _, marked in self.values)


@dataclass(frozen=True)
class DiffGroup:
    """``same`` rows are left out unless somebody asks for all of them."""

    title: str
    one: str
    rows: Sequence[DiffRow]
    same: int


@dataclass(frozen=True)
class Time:
    shown: str
    cached: bool
    bar: Markup


def groups(shown: Sequence[Column], *, only_different: bool) -> list[DiffGroup]:
    defaults = _defaults(shown)
    facts = {
        "Parameters": [_parameters(one) for one in shown],
        "Inputs": [_inputs(one) for one in shown],
        "Code": [_code(one.detail) for one in shown],
        "Environment": [_environment(one.detail) for one in shown],
    }
    return [_group(title, each, defaults, only_different) for title, each in facts.items()]


def _group(title: str, facts: Sequence[Facts], defaults: Facts, only_different: bool) -> DiffGroup:
    names = dict.fromkeys(name for each in facts for name in each)
    rows = [_row(name, [each.get(name, NONE) for each in facts], defaults) for name in names]
    kept = [row for row in rows if row.differs or not only_different]
    return DiffGroup(title, ONE_OF[title], kept, len(rows) - len(kept))


def _row(name: str, values: Sequence[str], defaults: Facts) -> DiffRow:
    return DiffRow(name, defaults.get(name, ""), [(value, value != values[0]) for value in values])


def _defaults(shown: Sequence[Column]) -> Facts:
    pipelines = [PIPELINES[one.run.pipeline] for one in shown if one.run.pipeline in PIPELINES]
    return {one.name: as_string(one.default) for each in pipelines for one in each.parameters}


def _parameters(one: Column) -> Facts:
    return {name: as_string(value) for name, value in one.run.parameters.items()}


def _inputs(one: Column) -> Facts:
    found = {"pipeline": one.run.pipeline, "recipe": one.run.recipe or NONE, "model": one.run.model or NONE}
    if one.dataset:
        found["data set"] = f"{one.dataset.dataset.name} v{one.dataset.version.number}"
        found["reviews"] = f"{one.dataset.version.rows or 0:,}"
    found["compute"] = one.run.compute
    found |= {f"{step}, instance": instance for step, instance in _instances(one.detail).items()}
    return found | {f"{name}, sha256": str(sha256)[:12] for name, sha256 in one.run.inputs.items()}


def _instances(detail: RunDetail) -> Facts:
    """Of the steps that ran at AWS."""
    away = [step for step in detail.steps if step.spec.get("compute") and not step.part_of]
    return {step.name: str(step.spec["compute"]["instance_type"]) for step in away}


def _code(detail: RunDetail) -> Facts:
    """Of each step's program. A step that came from the cache was made by that one, too."""
    programs = [step for step in detail.steps if step.runs_program]
    names = {step.id: f"{step.part_of}, shards" if step.part_of else step.name for step in programs}
    return {names[step.id]: (step.program_version or NONE)[:12] for step in programs}


def _environment(detail: RunDetail) -> Facts:
    """Where the last attempt of each step ran, and the variables that its program was given. Shards run on
    any worker, and are left out."""
    found: dict[str, str] = {}
    for step in detail.steps:
        attempts = detail.attempts[step.id]
        if not step.runs_program or step.part_of or not attempts:
            continue
        found[f"{step.name}: worker"] = attempts[-1].worker
        for name, value in (attempts[-1].environment or {}).items():
            found[f"{step.name}: {name}"] = str(value)
    return found


def times(shown: Sequence[Column]) -> list[tuple[str, list[Time | None]]]:
    """A row a step: how long it took in each run, drawn to one scale. The last row is the whole run."""
    parts = [{part.step.name: part for part in folded(one.detail.steps)} for one in shown]
    names = dict.fromkeys(name for each in parts for name in each)
    found = {name: [_took(each.get(name)) for each in parts] for name in names}
    longest = max((seconds for row in found.values() for seconds, _ in row if seconds), default=1.0)
    rows = [(name, [_time(*each, longest) for each in row]) for name, row in found.items()]
    return [row for row in rows if any(row[1])]


def _took(part: Folded | None) -> tuple[float | None, bool]:
    return (part.seconds_until(None), part.cached) if part else (None, False)


def _time(seconds: float | None, cached: bool, longest: float) -> Time | None:
    if seconds is None:
        return None
    bar = Markup() if cached else against(duration(seconds), seconds, None, longest)
    return Time("from the cache" if cached else duration(seconds), cached, bar)
