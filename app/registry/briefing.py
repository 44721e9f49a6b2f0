"""The approver's page, gathered: the briefing in words, changed examples, and whether the files are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from app.core.errors import NotFound
from app.core.security import Actor
from app.core.services import Services
from app.core.settings import Settings
from app.core.work import Work
from app.registry import approval, comparison, evidence, queries, views, wording
from app.registry.comparison import Comparison
from app.registry.page import Deciding, deciding, gate_for
from app.registry.queries import NamedVersion
from app.registry.tables import ModelVersion
from app.registry.views import VersionDetail
from ml.data.labels import display_name


@dataclass(frozen=True)
class ApprovalPage:
    """``comparison`` is None where the files of the evaluation can't be read; ``problem`` says why."""

    detail: VersionDetail
    today: ModelVersion | None
    briefing: wording.Briefing
    comparison: Comparison | None
    problem: str
    deciding: Deciding
    gate: dict[str, Any] | None
    others: Sequence[NamedVersion]

    @property
    def names(self) -> dict[str, str]:
        return label_names(self.detail.version, self.today)


def label_names(version: ModelVersion, today: ModelVersion | None) -> dict[str, str]:
    """What a page calls each label; a label of an older version that is gone keeps its own name."""
    labels, others = version.labels, today.labels if today else []
    return {label: display_name(label, labels) if label in labels else label for label in [*others, *labels]}


def approval_page(services: Services, named: NamedVersion, actor: Actor) -> ApprovalPage:
    """Opens its own reading unit: the predictions are read after it, with no session held."""
    version = named.version
    with services.works.reading() as work:
        today = queries.live_version(work.session, named.model.id, version.id)
        detail = views.version_detail(work, named)
        may = deciding(work, services.settings, version, actor)
        gate = gate_for(work, version)
        others = waiting_for(work, services.settings, actor, version.id)
    compared, problem = _compared(services, version, today)
    whole = _whole_evaluation(services, version) if compared else version.evaluation
    before = _whole_evaluation(services, today) if compared and today else None
    told = wording.brief(version, today, compared, whole, before)
    return ApprovalPage(detail, today, told, compared, problem, may, gate, others)


def _compared(
    services: Services, version: ModelVersion, today: ModelVersion | None
) -> tuple[Comparison | None, str]:
    missing = sorted(evidence.missing(services.storage, version.evidence))
    if missing:
        return None, f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} no longer stored."
    try:
        return comparison.compare(services.storage, version, today), ""
    except (pa.ArrowException, OSError, NotFound):
        return None, "The answers to the test reviews can’t be read: their file has changed."


def _whole_evaluation(services: Services, version: ModelVersion) -> dict[str, Any]:
    """With the parts that lists don't need: slices, and what a threshold buys."""
    try:
        return evidence.evaluation_of(services.storage, version.evidence)
    except (NotFound, ValueError):
        return version.evaluation


def waiting_for(work: Work, settings: Settings, actor: Actor, but: str = "") -> list[NamedVersion]:
    """Versions that wait for a decision which this actor may take, the longest waiting first."""
    return [
        each
        for each in queries.waiting(work.session)
        if each.version.id != but and approval.why_not(work, settings, each.version, actor) is None
    ]
