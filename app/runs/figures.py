"""What a run measured, kept beside it: lists show and sort by it without opening a file a row."""

import json
from collections.abc import Mapping
from typing import Any

from app.core.errors import NotFound
from app.core.storage import Storage
from app.runs.tables import Run, Step

EVALUATION = "evaluation.json"
KEPT = ("macro_f1", "accuracy")


def note_figures(storage: Storage, run: Run, step: Step) -> None:
    """Called when a step has succeeded. One that measured nothing, or not in our words, leaves no mark."""
    if not step.runs_program or step.artifact is None:
        return
    try:
        document = storage.read_bytes(storage.tree(step.artifact).find(EVALUATION).sha256)
        found = figures_of(json.loads(document))
    except (NotFound, ValueError):
        return
    if found:
        run.figures = found
        run.macro_f1 = found["metrics"].get("macro_f1", {}).get("value")


def figures_of(evaluation: object) -> dict[str, Any] | None:
    """``metrics``, ``baseline`` and ``difference`` of the two figures that lists show."""
    if not isinstance(evaluation, Mapping):
        return None
    kept = {part: _kept(evaluation.get(part)) for part in ("metrics", "baseline", "difference")}
    return kept if kept["metrics"] else None


def _kept(figures: object) -> dict[str, Any]:
    if not isinstance(figures, Mapping):
        return {}
    found = {name: figures.get(name) for name in KEPT}
    return {name: dict(one) for name, one in found.items() if isinstance(one, Mapping) and _is_number(one)}


def _is_number(figure: Mapping[str, Any]) -> bool:
    return isinstance(figure.get("value"), int | float)
