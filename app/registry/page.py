"""The page of a model version, gathered: figures, facts, files, and what this actor may do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.audit_queries import AuditFilter, list_audit
from app.accounts.queries import actor_names
from app.charts.figure import Figure, Words
from app.charts.intervals import Compared, Estimate, intervals
from app.charts.notation import score
from app.core.security import Actor
from app.core.services import Services
from app.core.settings import Settings
from app.core.work import Work
from app.keeping.view import Panel, panel_of
from app.registry import approval, evidence, queries, views
from app.registry.card import Section, card_of
from app.registry.cloud.queries import Standing, standing
from app.registry.filters import versions_path
from app.registry.listing import Difference, difference
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus, ModelVersion
from app.registry.using import Use, uses_of
from app.registry.views import VersionDetail
from app.runs.queries import run_detail
from app.runs.views import gate_of
from ml.data.labels import display_name

HEADLINES = {"macro_f1": "Macro-F1", "accuracy": "Accuracy", "ece": "Calibration error"}
CHART_CLASSES = 6  # more make a page of dots; the report has all


@dataclass(frozen=True)
class MetricRow:
    """``live`` is the version in service, where there is another one; ``baseline`` is word counting."""

    title: str
    mine: dict[str, Any]
    live: dict[str, Any] | None
    baseline: dict[str, Any] | None
    paired: dict[str, Any] | None  # the difference from the baseline, measured review by review

    @property
    def from_live(self) -> Difference | None:
        return difference(self.mine, self.live)

    @property
    def from_baseline(self) -> Difference | None:
        if self.paired is None:
            return difference(self.mine, self.baseline)
        return Difference(self.paired["value"], self.paired["low"] <= 0 <= self.paired["high"])


@dataclass(frozen=True)
class Deciding:
    """``refusal`` says why this actor can't; ``moves`` are the decisions that are open."""

    refusal: str | None
    advice: str
    moves: Sequence[str]


@dataclass(frozen=True)
class LastVerified:
    by: str
    at: datetime


@dataclass(frozen=True)
class VersionPage:
    detail: VersionDetail
    today: ModelVersion | None
    rows: Sequence[MetricRow]
    figure: Figure | None
    card: Sequence[Section]
    deciding: Deciding
    gate: dict[str, Any] | None
    endpoints: Sequence[str]
    missing: frozenset[str]
    verified: LastVerified | None
    panel: Panel
    uses: Sequence[Use]
    cloud: Standing


def version_page(work: Work, services: Services, named: NamedVersion, actor: Actor) -> VersionPage:
    model, version = named.model, named.version
    today = queries.live_version(work.session, model.id, version.id)
    rows = metric_rows(version, today)
    detail = views.version_detail(work, named)
    return VersionPage(
        detail=detail,
        today=today,
        rows=rows,
        figure=metrics_figure(model.name, version, today) if rows else None,
        card=card_of(detail),
        deciding=deciding(work, services.settings, version, actor),
        gate=gate_for(work, version),
        endpoints=queries.live_endpoints(work.session, model.id),
        missing=evidence.missing(services.storage, version.evidence),
        verified=_last_verified(work, version),
        panel=panel_of(work, services, version.id),
        uses=uses_of(detail),
        cloud=standing(work.session, version),
    )


def _last_verified(work: Work, version: ModelVersion) -> LastVerified | None:
    narrowed = AuditFilter(action=approval.VERIFIED, subject_id=version.id)
    last = next(iter(list_audit(work.session, narrowed, limit=1).items), None)
    if last is None:
        return None
    return LastVerified(actor_names(work.session, [last.actor_id]).get(last.actor_id, last.actor_id), last.at)


def deciding(work: Work, settings: Settings, version: ModelVersion, actor: Actor) -> Deciding:
    moves = sorted(approval.MOVES[ApprovalStatus(version.status)])
    refusal = approval.why_not(work, settings, version, actor)
    if refusal is None:
        return Deciding(None, "", moves)
    return Deciding(refusal.message, refusal.advice, moves)


def gate_for(work: Work, version: ModelVersion) -> dict[str, Any] | None:
    run = run_detail(work.session, version.run_id)
    return gate_of(run) if run else None


def metric_rows(version: ModelVersion, today: ModelVersion | None) -> list[MetricRow]:
    mine = _flat(version.evaluation.get("metrics"), version.labels)
    live = _flat(today.evaluation.get("metrics") if today else None, version.labels)
    baseline = _flat(version.evaluation.get("baseline"), version.labels)
    paired = _flat(version.evaluation.get("difference"), version.labels)
    return [
        MetricRow(title, found, live.get(title), baseline.get(title), paired.get(title))
        for title, found in mine.items()
    ]


def _flat(metrics: Mapping[str, Any] | None, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By what the page calls each: the headline figures, then the F1 of each class."""
    if not metrics:
        return {}
    found = {title: metrics.get(name) for name, title in HEADLINES.items()}
    per_class = metrics.get("per_class", {})
    for label in labels:
        found[f"F1 {display_name(label, labels)}"] = per_class.get(label, {}).get("f1")
    return {title: metric for title, metric in found.items() if metric}


def metrics_figure(model: str, version: ModelVersion, today: ModelVersion | None) -> Figure:
    reference = f"v{today.number}, live" if today else "the baseline"
    shown = [row for row in metric_rows(version, today) if row.title != HEADLINES["ece"]]
    pairs = [(row, row.live if today else row.baseline) for row in shown[: 2 + CHART_CLASSES]]
    words = Words(
        finding=_finding(*pairs[0], reference),
        how=f"test split, n = {shown[0].mine.get('n', 0):,}; whiskers are 95 % intervals",
        title=f"Metrics of v{version.number} against {reference}",
        description="; ".join(f"{row.title} {score(row.mine['value'])}" for row, _ in pairs),
    )
    dots = [
        Compared(row.title, _estimate(row.mine), _estimate(other) if other else None) for row, other in pairs
    ]
    address = f"{versions_path(model)}/versions/{version.number}/figures/metrics.csv"
    return intervals("metrics", words, dots, f"v{version.number}", reference, csv_url=address)


def _estimate(metric: dict[str, Any]) -> Estimate:
    return Estimate(metric["value"], metric.get("low"), metric.get("high"))


def _finding(row: MetricRow, other: dict[str, Any] | None, reference: str) -> str:
    change = difference(row.mine, other)
    if change is None:
        return f"{row.title} {score(row.mine['value'])}"
    if change.chance:
        return f"{row.title}: the ranges of this version and {reference} overlap"
    where = "above" if change.value > 0 else "below"
    return f"{row.title} is {score(abs(change.value))} {where} {reference}"
