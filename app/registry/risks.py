"""What speaks against a version, in plain words: weak kinds, small numbers, what was cut, parts that fail."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.registry.tables import ModelVersion
from ml.data.labels import display_name

FEW = 30  # under this many reviews of a kind nothing is said about it
HARD = 0.6
OFF = 0.05
NAMED = 3  # parts of the test that are named; the report has all


@dataclass(frozen=True)
class Risk:
    title: str
    text: str


def risks(version: ModelVersion, today: ModelVersion | None = None, *, compared: bool = False) -> list[Risk]:
    """What its tests say against it. ``compared``: today’s model was tested on the same reviews."""
    found = [
        _hard_class(version, today),
        _cut_off(version),
        _overconfident(version),
        _too_few(version),
        _not_better(version) if today is not None else None,
        _worse_somewhere(version, today) if compared else None,
    ]
    return [risk for risk in found if risk]


def _hard_class(version: ModelVersion, today: ModelVersion | None) -> Risk | None:
    label = min(version.labels, key=lambda each: recall_of(version, each))
    share = recall_of(version, label)
    if share >= HARD:
        return None
    before = f" (v{today.number}: {recall_of(today, label) * 100:.0f})" if today else ""
    name = display_name(label, version.labels).capitalize()
    return Risk(f"“{name}” stays hard", f"It recognises {share * 100:.0f} of 100 such reviews{before}.")


def _cut_off(version: ModelVersion) -> Risk | None:
    cut = version.evaluation.get("truncated") or {}
    if not cut.get("rows"):
        return None
    return Risk(
        f"{cut['share'] * 100:.1f} % of the test reviews are cut",
        f"{cut['rows']:,} are longer than {cut['limit']} tokens; the end of the text isn’t read.",
    )


def _overconfident(version: ModelVersion) -> Risk | None:
    error = metric_at(version.evaluation, "metrics", "ece")
    if error is None or error["value"] < OFF:
        return None
    return Risk(
        "Its stated certainty is off",
        f"By {error['value'] * 100:.0f} points of 100 on average: “90 % sure” isn’t right 90 times in 100.",
    )


def _too_few(version: ModelVersion) -> Risk | None:
    per_class = version.evaluation.get("metrics", {}).get("per_class", {})
    few = [label for label, row in per_class.items() if row.get("support", FEW) < FEW]
    if not few:
        return None
    names = ", ".join(display_name(label, version.labels) for label in few[:5])
    return Risk(f"Too few to judge: {names}", f"Fewer than {FEW} test reviews of such a kind.")


def limits(version: ModelVersion) -> list[Risk]:
    """The same for its card, where nothing else says how it stands against the simple method."""
    return [risk for risk in (_not_better(version), *risks(version)) if risk]


def _not_better(version: ModelVersion) -> Risk | None:
    change = metric_at(version.evaluation, "difference", "macro_f1")
    if change is None or change["low"] > 0:
        return None
    if change["high"] < 0:
        fewer = f"{-change['value'] * 100:.0f} points of 100 below the simple method"
        return Risk("Worse than plain word counting", f"With every kind counted alike, {fewer}.")
    return Risk(
        "Not clearly better than plain word counting",
        "With every kind counted alike, the difference from the simple method may be chance.",
    )


def _worse_somewhere(version: ModelVersion, today: ModelVersion | None) -> Risk | None:
    if today is None:
        return None
    fell = [label for label in version.labels if recall_of(version, label) < recall_of(today, label) - 0.05]
    if not fell:
        return None
    names = ", ".join(f"“{display_name(label, version.labels)}”" for label in fell[:5])
    return Risk(f"Recognises fewer of {names}", "More than 5 of 100 fewer than today’s model.")


def weak_parts(evaluation: Mapping[str, Any]) -> list[Risk]:
    """Parts of the test where it does clearly worse than over all, and parts too small to say."""
    parts = evaluation.get("slices") or []
    overall = metric_at(evaluation, "metrics", "accuracy")
    weak = [part for part in parts if overall and _clearly_below(part, overall["value"])]
    weak.sort(key=lambda part: part["accuracy"]["value"])
    small = [f"{part['slice']} ({part['n']})" for part in parts if part["n"] < FEW]
    found = [_weak(part, overall["value"]) for part in weak[:NAMED]] if overall else []
    if small:
        more = f" and {len(small) - NAMED} more" if len(small) > NAMED else ""
        found.append(
            Risk(
                f"Too few to judge: {', '.join(small[:NAMED])}{more}",
                f"The number of test reviews; under {FEW} nothing can be said.",
            )
        )
    return found


def _clearly_below(part: Mapping[str, Any], overall: float) -> bool:
    return bool(part["n"] >= FEW and part["accuracy"]["high"] < overall)


def _weak(part: Mapping[str, Any], overall: float) -> Risk:
    right, over_all = part["accuracy"]["value"] * 100, overall * 100
    text = f"It reads {right:.0f} of 100 such reviews correctly, {over_all:.0f} over all (n = {part['n']:,})."
    return Risk(f"Weaker on {part['slice']}", text)


def recall_of(version: ModelVersion, label: str) -> float:
    found = metric_at(version.evaluation, "metrics", "per_class", label, "recall")
    return float(found["value"]) if found else 1.0


def metric_at(evaluation: Mapping[str, Any], *path: str) -> dict[str, Any] | None:
    """The entry at a path of the evaluation, or None where it stops short."""
    found: Any = evaluation
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, dict) and "value" in found else None
