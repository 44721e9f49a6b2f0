"""The evaluation report: what ``evaluation.json`` says, put into words, tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.charts.confusion import confusion
from app.charts.figure import Words
from app.charts.intervals import Compared, Estimate, intervals
from app.charts.notation import NONE, interval, score, signed, signed_interval
from app.charts.reliability import Bin, reliability
from ml.data.labels import display_name

TOO_FEW = 30
_METRICS = (("accuracy", "Accuracy"), ("macro_f1", "Macro-F1"), ("ece", "Calibration error"))


@dataclass(frozen=True)
class MetricRow:
    """``trend`` is up or down where the paired interval excludes zero; nothing where it may be chance."""

    label: str
    baseline: str
    candidate: str
    interval: str
    n: int
    difference: str
    difference_interval: str
    trend: str


@dataclass(frozen=True)
class ClassRow:
    label: str
    n: int
    too_few: bool
    precision: str
    recall: str
    recall_interval: str
    f1: str
    f1_interval: str
    baseline_f1: str


@dataclass(frozen=True)
class Report:
    verdict: str
    split: str
    n: int
    method: str
    metrics: Sequence[MetricRow]
    classes: Sequence[ClassRow]
    compared: Markup
    confusion: Markup
    reliability: Markup | None
    truncated: Mapping[str, Any] | None
    always_majority: str


def report_of(evaluation: Mapping[str, Any]) -> Report:
    labels = evaluation["labels"]
    named = [display_name(label, labels) for label in labels]
    return Report(
        verdict=evaluation["verdict"],
        split=evaluation["split"],
        n=evaluation["n"],
        method=evaluation.get("interval", {}).get("method", ""),
        metrics=_metric_rows(evaluation, named),
        classes=[_class_row(evaluation, label, name) for label, name in zip(labels, named, strict=True)],
        compared=_compared(evaluation, named),
        confusion=_confusion(evaluation, named),
        reliability=_reliability(evaluation),
        truncated=evaluation.get("truncated"),
        always_majority=score(_at(evaluation, ("always_majority", "accuracy"))),
    )


def _value(metric: object) -> float | None:
    """A metric with its interval, or a bare number."""
    found = metric.get("value") if isinstance(metric, Mapping) else metric
    return float(found) if isinstance(found, int | float) else None


def _metric_rows(evaluation: Mapping[str, Any], named: Sequence[str]) -> list[MetricRow]:
    rows = [_metric_row(evaluation, label, (name,)) for name, label in _METRICS]
    for label, name in zip(evaluation["labels"], named, strict=True):
        rows.append(_metric_row(evaluation, f"F1 {name}", ("per_class", label, "f1")))
    return [row for row in rows if row.candidate != NONE]


def _metric_row(evaluation: Mapping[str, Any], label: str, path: Sequence[str]) -> MetricRow:
    ours = _at(evaluation.get("metrics"), path) or {}
    theirs = _at(evaluation.get("baseline"), path)
    paired = _at(evaluation.get("difference"), path) or {}
    low, high = paired.get("low"), paired.get("high")
    chance = low is None or high is None or low <= 0 <= high
    better = (paired.get("value") or 0) > 0
    return MetricRow(
        label=label,
        baseline=score(_value(theirs)),
        candidate=score(_value(ours)),
        interval=interval(ours.get("low"), ours.get("high")),
        n=ours.get("n", evaluation["n"]),
        difference=signed(paired["value"]) if paired else "",
        difference_interval=signed_interval(low, high) if paired else "",
        trend="" if chance else ("up" if better else "down"),
    )


def _at(value: object, path: Sequence[str]) -> Any:
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _class_row(evaluation: Mapping[str, Any], label: str, name: str) -> ClassRow:
    ours = evaluation["metrics"]["per_class"][label]
    theirs = _at(evaluation.get("baseline"), ("per_class", label, "f1"))
    return ClassRow(
        label=name,
        n=ours["support"],
        too_few=ours["support"] < TOO_FEW,
        precision=score(_value(ours["precision"])),
        recall=score(_value(ours["recall"])),
        recall_interval=interval(ours["recall"].get("low"), ours["recall"].get("high")),
        f1=score(_value(ours["f1"])),
        f1_interval=interval(ours["f1"].get("low"), ours["f1"].get("high")),
        baseline_f1=score(_value(theirs)),
    )


def _compared(evaluation: Mapping[str, Any], named: Sequence[str]) -> Markup:
    paths: list[tuple[str, tuple[str, ...]]] = [(label, (name,)) for name, label in _METRICS[:2]]
    for label, name in zip(evaluation["labels"], named, strict=True):
        paths.append((f"F1 {name}", ("per_class", label, "f1")))
    rows = []
    for label, path in paths:
        ours = _estimate(_at(evaluation["metrics"], path))
        if ours:
            rows.append(Compared(label, ours, _estimate(_at(evaluation.get("baseline"), path))))
    said = "; ".join(f"{row.label} {score(row.candidate.value)}" for row in rows)
    how = f"95 % intervals, {evaluation['split']} split, n = {evaluation['n']:,}"
    words = Words(_comparison(evaluation), how, "Metrics of the candidate and the baseline", said)
    return intervals("compared", words, rows, "candidate", "TF-IDF baseline")


def _estimate(metric: object) -> Estimate | None:
    value = _value(metric)
    if value is None:
        return None
    bounds = metric if isinstance(metric, Mapping) else {}
    return Estimate(value, bounds.get("low"), bounds.get("high"))


def _comparison(evaluation: Mapping[str, Any]) -> str:
    paired = _at(evaluation.get("difference"), ("macro_f1",))
    if not paired:
        return "There is no baseline to compare with"
    if paired["low"] <= 0 <= paired["high"]:
        return f"Macro-F1 {signed(paired['value'])} to the baseline; that may be chance"
    word = "above" if paired["value"] > 0 else "below"
    return f"Macro-F1 is {score(abs(paired['value']))} {word} the baseline, and not by chance"


def _confusion(evaluation: Mapping[str, Any], named: Sequence[str]) -> Markup:
    matrix = evaluation["confusion"]["matrix"]
    how = f"{evaluation['split']} split, n = {evaluation['n']:,}; truth in rows, per cent of the row"
    words = Words(
        _mistaken(matrix, named),
        how,
        "Confusion matrix",
        "Confusion matrix, rows are the truth, columns the prediction",
    )
    return confusion("confusion", words, named, matrix)


def _mistaken(matrix: Sequence[Sequence[int]], named: Sequence[str]) -> str:
    mistakes = [
        (count, truth, taken)
        for truth, row in enumerate(matrix)
        for taken, count in enumerate(row)
        if truth != taken and count
    ]
    if not mistakes:
        return "Not one mistake"
    count, truth, taken = max(mistakes)
    return (
        f"The commonest mistake: {named[truth]} taken for {named[taken]}, {count:,} of {sum(matrix[truth]):,}"
    )


def _reliability(evaluation: Mapping[str, Any]) -> Markup | None:
    found = [one for one in evaluation.get("reliability", ()) if one["n"]]
    if not found:
        return None
    bins = [Bin(one["confidence"], one["accuracy"], one["n"]) for one in found]
    points = "; ".join(
        f"at confidence {score(one.confidence)} right in {score(one.accuracy)}" for one in bins
    )
    how = "mean confidence against the share that was right, 95 % intervals, n at the bottom"
    words = Words(_sureness(evaluation, bins), how, "Reliability diagram", points)
    return reliability("reliability", words, bins)


def _sureness(evaluation: Mapping[str, Any], bins: Sequence[Bin]) -> str:
    total = sum(one.n for one in bins)
    excess = sum((one.confidence - one.accuracy) * one.n for one in bins) / total
    error = f"calibration error {score(_value(_at(evaluation['metrics'], ('ece',))))}"
    if abs(excess) < 0.01:
        return f"As sure as it should be on the whole; {error}"
    return f"Too {'sure' if excess > 0 else 'unsure'} by {score(abs(excess))} on the whole; {error}"
