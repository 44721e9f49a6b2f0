"""The pages of the registry, gathered: rows, figures, and what this actor may do about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.charts.figure import Words
from app.charts.intervals import Compared, Estimate, intervals
from app.charts.notation import score
from app.core.security import Actor
from app.core.services import Services
from app.core.settings import Settings
from app.core.work import Work
from app.registry import approval, comparison, queries, views, wording
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus, ModelVersion
from app.registry.views import VersionDetail
from app.runs.queries import run_detail
from app.runs.views import gate_of
from ml.data.labels import display_name

CHART_CLASSES = 6  # more make a page of dots; the report has all


@dataclass(frozen=True)
class MetricRow:
    """``reference`` is the live version's, or the baseline's where none is live."""

    title: str
    mine: dict[str, Any]
    reference: dict[str, Any] | None


@dataclass(frozen=True)
class Deciding:
    """``refusal`` says why this actor can't; ``moves`` are the decisions that are open."""

    refusal: str | None
    advice: str
    moves: Sequence[str]


@dataclass(frozen=True)
class VersionPage:
    detail: VersionDetail
    today: ModelVersion | None
    reference: str
    rows: Sequence[MetricRow]
    figure: Markup | None
    deciding: Deciding
    gate: dict[str, Any] | None
    endpoints: Sequence[str]


@dataclass(frozen=True)
class ApprovalPage:
    detail: VersionDetail
    today: ModelVersion | None
    briefing: wording.Briefing
    comparison: comparison.Comparison
    deciding: Deciding
    gate: dict[str, Any] | None

    @property
    def names(self) -> dict[str, str]:
        """What a page calls each label; a label of an older version that is gone keeps its own name."""
        labels = self.detail.version.labels
        others = self.today.labels if self.today else []
        return {
            label: display_name(label, labels) if label in labels else label for label in [*others, *labels]
        }


def version_page(work: Work, settings: Settings, named: NamedVersion, actor: Actor) -> VersionPage:
    model, version = named.model, named.version
    today = queries.live_version(work.session, model.id, version.id)
    source = today.evaluation.get("metrics") if today else version.evaluation.get("baseline")
    reference = f"v{today.number}, live" if today else "the baseline"
    rows = _metric_rows(version, source or {})
    return VersionPage(
        detail=views.version_detail(work, named),
        today=today,
        reference=reference,
        rows=rows,
        figure=_figure(version, rows, reference) if rows else None,
        deciding=deciding(work, settings, version, actor),
        gate=_gate(work, version),
        endpoints=sorted(
            {name for each in queries.versions_of(work.session, model.id) for name in each.live_on}
        ),
    )


def approval_page(services: Services, named: NamedVersion, actor: Actor) -> ApprovalPage:
    """Opens its own reading unit: the predictions are read after it, with no session held."""
    version = named.version
    with services.works.reading() as work:
        today = queries.live_version(work.session, named.model.id, version.id)
        detail = views.version_detail(work, named)
        may = deciding(work, services.settings, version, actor)
        gate = _gate(work, version)
    compared = comparison.compare(services.storage, version, today)
    return ApprovalPage(detail, today, wording.brief(version, today, compared), compared, may, gate)


def deciding(work: Work, settings: Settings, version: ModelVersion, actor: Actor) -> Deciding:
    moves = sorted(approval.MOVES[ApprovalStatus(version.status)])
    refusal = approval.why_not(work, settings, version, actor)
    if refusal is None:
        return Deciding(None, "", moves)
    return Deciding(refusal.message, refusal.advice, moves)


def _gate(work: Work, version: ModelVersion) -> dict[str, Any] | None:
    run = run_detail(work.session, version.run_id)
    return gate_of(run) if run else None


def _metric_rows(version: ModelVersion, reference: dict[str, Any]) -> list[MetricRow]:
    metrics = version.evaluation.get("metrics", {})
    rows = [
        MetricRow(title, metrics[name], reference.get(name))
        for name, title in (("macro_f1", "Macro-F1"), ("accuracy", "Accuracy"), ("ece", "Calibration error"))
        if metrics.get(name)
    ]
    others = reference.get("per_class", {})
    for label in version.labels:
        mine = metrics.get("per_class", {}).get(label, {}).get("f1")
        if mine:
            title = f"F1 {display_name(label, version.labels)}"
            rows.append(MetricRow(title, mine, others.get(label, {}).get("f1")))
    return rows


def _figure(version: ModelVersion, rows: Sequence[MetricRow], reference: str) -> Markup:
    shown = [row for row in rows if row.title != "Calibration error"][: 2 + CHART_CLASSES]
    first = shown[0]
    words = Words(
        finding=_finding(first, reference),
        how=f"test split, n = {first.mine.get('n', 0):,}; whiskers are 95 % intervals",
        title=f"Metrics of v{version.number} against {reference}",
        description="; ".join(f"{row.title} {score(row.mine['value'])}" for row in shown),
    )
    dots = [
        Compared(row.title, _estimate(row.mine), _estimate(row.reference) if row.reference else None)
        for row in shown
    ]
    return intervals("metrics", words, dots, f"v{version.number}", reference)


def _estimate(metric: dict[str, Any]) -> Estimate:
    return Estimate(metric["value"], metric.get("low"), metric.get("high"))


def _finding(row: MetricRow, reference: str) -> str:
    if row.reference is None:
        return f"{row.title} {score(row.mine['value'])}"
    change = row.mine["value"] - row.reference["value"]
    if row.mine["low"] <= row.reference["high"] and row.reference["low"] <= row.mine["high"]:
        return f"{row.title}: the ranges of this version and {reference} overlap"
    return f"{row.title} is {score(abs(change))} {'above' if change > 0 else 'below'} {reference}"
