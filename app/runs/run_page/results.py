"""What stands below the steps on a run's page: parameters, artifacts, and what the evaluation found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.notation import score, signed, signed_interval
from app.core.storage import Storage, StoredFile
from app.runs.run_page.cards import SIGNS, Fact
from app.runs.tables import Step
from app.runs.views import EVALUATION
from ml.pipeline.definition import Pipeline, Recipe
from ml.pipeline.resolve import as_string

FILES_SHOWN = 40  # of one step: a data set version may have hundreds of shards
TEXTS = (".json", ".txt", ".md", ".csv", ".jsonl")
READABLE_BYTES = 1_000_000
PREVIEW_BYTES = 12_000


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
    sha256: str
    files: Sequence[StoredFile]
    more: int
    cached: bool
    size: int = 0
    missing: bool = False

    @property
    def count(self) -> int:
        return len(self.files) + self.more

    @property
    def readable(self) -> frozenset[str]:
        """The paths of those that a page offers to show: texts, and none that is large."""
        return frozenset(file.path for file in self.files if _readable(file))


@dataclass(frozen=True)
class Preview:
    path: str
    text: str
    cut: bool


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


def artifacts(storage: Storage, steps: Sequence[Step]) -> list[StepFiles]:
    return [found for step in steps if (found := files_of(storage, step))]


def files_of(storage: Storage, step: Step) -> StepFiles | None:
    """None for a step that has left nothing, or not yet."""
    sha256 = step.artifact
    if not sha256:
        return None
    if not storage.has(sha256):
        return StepFiles(step.name, sha256, (), 0, step.cached, missing=True)
    tree = storage.tree(sha256)
    more = max(0, len(tree.files) - FILES_SHOWN)
    return StepFiles(step.name, sha256, tree.files[:FILES_SHOWN], more, step.cached, tree.size)


def preview_of(storage: Storage, step: Step, path: str) -> Preview | None:
    """The beginning of a small text; None where there is none to read."""
    if not step.artifact or not storage.has(step.artifact):
        return None
    file = next((file for file in storage.tree(step.artifact).files if file.path == path), None)
    if file is None or not _readable(file) or not storage.has(file.sha256):
        return None
    with storage.open(file.sha256) as content:
        text = content.read(PREVIEW_BYTES).decode("utf-8", "replace")
    return Preview(file.path, text, cut=file.size > PREVIEW_BYTES)


def _readable(file: StoredFile) -> bool:
    return file.size <= READABLE_BYTES and file.path.endswith(TEXTS)


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
