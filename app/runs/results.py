"""What stands below the steps on a run's page: parameters, artifacts, and what the evaluation found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.notation import score, signed, signed_interval
from app.core.storage import LocalStorage, StoredFile
from app.runs.cards import SIGNS, Fact
from app.runs.tables import Step
from app.runs.views import EVALUATION
from ml.pipeline.definition import Pipeline, Recipe
from ml.pipeline.resolve import as_string

FILES_SHOWN = 40  # of one step: a data set version may have hundreds of shards


@dataclass(frozen=True)
class ParameterRow:
    name: str
    value: str
    default: str
    changed: bool


@dataclass(frozen=True)
class GateRow:
    label: str
    needed: str
    found: str
    passed: bool


@dataclass(frozen=True)
class StepFiles:
    """The artifact of a step. ``missing``: the storage has lost it."""

    step: str
    files: Sequence[StoredFile]
    more: int
    cached: bool
    missing: bool = False

    @property
    def count(self) -> int:
        return len(self.files) + self.more


def parameter_rows(pipeline: Pipeline | None, values: Mapping[str, Any]) -> list[ParameterRow]:
    """Every parameter of the run beside its default; those of a forgotten pipeline have none."""
    defaults = {one.name: as_string(one.default) for one in pipeline.parameters} if pipeline else {}
    rows = []
    for name, value in values.items():
        shown, default = as_string(value), defaults.get(name, "")
        rows.append(ParameterRow(name, shown, default, bool(default) and shown != default))
    return rows


def recipe_of(pipeline: Pipeline | None, name: str | None) -> Recipe | None:
    return next((one for one in pipeline.recipes if one.name == name), None) if pipeline else None


def artifacts(storage: LocalStorage, steps: Sequence[Step]) -> list[StepFiles]:
    return [_files(storage, step, step.artifact) for step in steps if step.artifact]


def _files(storage: LocalStorage, step: Step, sha256: str) -> StepFiles:
    if not storage.has(sha256):
        return StepFiles(step.name, (), 0, step.cached, missing=True)
    files = storage.tree(sha256).files
    return StepFiles(step.name, files[:FILES_SHOWN], max(0, len(files) - FILES_SHOWN), step.cached)


def gate_rows(gate: Mapping[str, Any] | None) -> list[GateRow]:
    return [
        GateRow(
            check["label"],
            f"{SIGNS.get(check['comparison'], check['comparison'])} {score(check['threshold'])}",
            score(check["value"]),
            check["passed"],
        )
        for check in (gate or {}).get("checks", ())
    ]


def measured_by(artifacts: Sequence[StepFiles]) -> str | None:
    found = (each.step for each in artifacts for file in each.files if file.path == EVALUATION)
    return next(found, None)


def headline(evaluation: Mapping[str, Any] | None) -> list[Fact]:
    """What came out, for the strip: each metric beside its difference to the baseline."""
    if not evaluation:
        return []
    found = []
    for name, label in (("macro_f1", "Macro-F1"), ("accuracy", "Accuracy")):
        value = evaluation["metrics"][name]["value"]
        found.append((label, score(value), _against(evaluation.get("difference", {}).get(name))))
    return found


def _against(difference: Mapping[str, Any] | None) -> str:
    if not difference:
        return ""
    low, high = difference["low"], difference["high"]
    chance = ", may be chance" if low <= 0 <= high else ""
    return f"{signed(difference['value'])} to the baseline ({signed_interval(low, high)}){chance}"
