"""The evaluation report: what ``evaluation.json`` says, in words and tables; report_figures draws it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.charts.figure import Figure, Words
from app.charts.intervals import Compared, Estimate, intervals
from app.charts.notation import NONE, interval, score, signed, signed_interval
from app.runs.report.figures import Source, figures

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
    average_precision: str
    auc: str
    rows_url: str


@dataclass(frozen=True)
class SliceRow:
    dimension: str
    label: str
    n: int
    too_few: bool
    accuracy: str
    interval: str
    baseline: str
    difference: str
    difference_interval: str
    trend: str
    rows_url: str


@dataclass(frozen=True)
class Paired:
    """Reviews that only one of the two gets right, in numbers and in words."""

    gained: int
    lost: int
    words: str


@dataclass(frozen=True)
class Report:
    verdict: str
    split: str
    n: int
    method: str
    metrics: Sequence[MetricRow]
    classes: Sequence[ClassRow]
    slices: Sequence[SliceRow]
    paired: Paired | None
    figures: Mapping[str, Figure]
    rows_url: str
    truncated: Mapping[str, Any] | None
    always_majority: str


def report_of(source: Source) -> Report:
    evaluation, named = source.evaluation, source.named
    labels = evaluation["labels"]
    return Report(
        verdict=evaluation["verdict"],
        split=evaluation["split"],
        n=evaluation["n"],
        method=evaluation.get("interval", {}).get("method", ""),
        metrics=_metric_rows(evaluation, named),
        classes=[_class_row(source, label, name) for label, name in zip(labels, named, strict=True)],
        slices=[_slice_row(source, one) for one in evaluation.get("slices", ())],
        paired=_paired(evaluation.get("paired")),
        figures={"compared": _compared(source), **figures(source)},
        rows_url=source.rows,
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


def _class_row(source: Source, label: str, name: str) -> ClassRow:
    evaluation = source.evaluation
    curves = _at(evaluation.get("curves"), ("classes", label)) or {}
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
        average_precision=score(curves.get("average_precision")),
        auc=score(curves.get("auc")),
        rows_url=source.behind(actual=label),
    )


def _slice_row(source: Source, found: Mapping[str, Any]) -> SliceRow:
    ours, paired = found["accuracy"], found["difference"]
    chance = paired["low"] <= 0 <= paired["high"]
    return SliceRow(
        dimension=found["dimension"],
        label=found["slice"],
        n=found["n"],
        too_few=found["n"] < TOO_FEW,
        accuracy=score(ours["value"]),
        interval=interval(ours["low"], ours["high"]),
        baseline=score(found["baseline"]["value"]),
        difference=signed(paired["value"]),
        difference_interval=signed_interval(paired["low"], paired["high"]),
        trend="" if chance else ("up" if paired["value"] > 0 else "down"),
        rows_url=source.behind(**{found["dimension"]: found["slice"]}, wrong="yes"),
    )


def _paired(found: Mapping[str, Any] | None) -> Paired | None:
    if not found:
        return None
    chance = found["chance"]
    said = f"p = {score(chance)}" if chance >= 0.001 else "p < .001"
    judged = "the difference may be chance" if chance > 0.05 else "hardly chance"
    words = f"of the same {found['n']:,} reviews, McNemar’s exact test {said}: {judged}"
    return Paired(found["gained"], found["lost"], words)


def _compared(source: Source) -> Figure:
    evaluation = source.evaluation
    paths: list[tuple[str, tuple[str, ...]]] = [(label, (name,)) for name, label in _METRICS[:2]]
    for label, name in zip(evaluation["labels"], source.named, strict=True):
        paths.append((f"F1 {name}", ("per_class", label, "f1")))
    rows = []
    for label, path in paths:
        ours = _estimate(_at(evaluation["metrics"], path))
        if ours:
            rows.append(Compared(label, ours, _estimate(_at(evaluation.get("baseline"), path))))
    said = "; ".join(f"{row.label} {score(row.candidate.value)}" for row in rows)
    how = f"95 % intervals, {source.measured}"
    words = Words(_comparison(evaluation), how, "Metrics of the candidate and the baseline", said)
    return intervals("compared", words, rows, "candidate", "TF-IDF baseline", csv_url=source.csv("compared"))


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
