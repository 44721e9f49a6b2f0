"""Models and versions as JSON, and what their pages show of the features below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.queries import actor_names
from app.core.storage import Tree
from app.core.work import Work
from app.registry import evidence, queries
from app.registry.list_queries import ModelRow
from app.registry.queries import NamedVersion
from app.registry.tables import Decision, Model, ModelVersion
from app.runs import queries as runs
from app.runs.tables import Run
from app.runs.views import dataset_json


@dataclass(frozen=True)
class VersionDetail:
    """A version with everything its page names: who, from what, where to, and who decided what."""

    model: Model
    version: ModelVersion
    author: str
    dataset: Mapping[str, Any] | None
    run: Run | None
    files: Tree
    decisions: Sequence[Decision]
    names: Mapping[str, str]

    def name(self, actor_id: str) -> str:
        return self.names.get(actor_id, actor_id)


def version_detail(work: Work, named: NamedVersion) -> VersionDetail:
    version = named.version
    decisions = queries.decisions_of(work.session, version.id)
    names = actor_names(work.session, [version.author_id, *(each.actor_id for each in decisions)])
    return VersionDetail(
        model=named.model,
        version=version,
        author=names.get(version.author_id, version.author_id),
        dataset=dataset_json(work, version.dataset_version_id),
        run=runs.run_by_id(work.session, version.run_id),
        files=evidence.model_tree(version.evidence),
        decisions=decisions,
        names=names,
    )


def version_json(detail: VersionDetail) -> dict[str, Any]:
    version = detail.version
    return {
        **version_summary(NamedVersion(detail.model, version)),
        "void_reason": version.void_reason,
        "run_number": detail.run.number if detail.run else None,
        "author": {"id": version.author_id, "name": detail.author},
        "dataset": detail.dataset,
        "difference": version.evaluation.get("difference"),
        "evidence_sha256": version.evidence_sha256,
        "evidence": version.evidence,
        "files": [
            {"path": file.path, "sha256": file.sha256, "size": file.size} for file in detail.files.files
        ],
        "decisions": [decision_json(decision, detail) for decision in detail.decisions],
    }


def version_summary(named: NamedVersion) -> dict[str, Any]:
    version = named.version
    return {
        "id": version.id,
        "model": named.model.name,
        "version": version.number,
        "status": version.status,
        "validity": version.validity,
        "row_version": version.row_version,
        "run_id": version.run_id,
        "created_at": _time(version.created_at),
        "fields": version.fields,
        "labels": version.labels,
        "metrics": version.evaluation.get("metrics"),
        "baseline": version.evaluation.get("baseline"),
        "live_on": version.live_on,
    }


def decision_json(decision: Decision, detail: VersionDetail) -> dict[str, Any]:
    return {
        "id": decision.id,
        "before": decision.before,
        "after": decision.after,
        "comment": decision.comment,
        "by": {"id": decision.actor_id, "name": detail.name(decision.actor_id)},
        "at": _time(decision.at),
        "evidence_sha256": decision.evidence_sha256,
    }


def model_json(row: ModelRow) -> dict[str, Any]:
    newest = row.newest
    return {
        "id": row.model.id,
        "name": row.model.name,
        "versions": row.versions,
        "newest": version_summary(NamedVersion(row.model, newest)) if newest else None,
        "live": [{"version": version.number, "endpoints": version.live_on} for version in row.live],
        "created_at": _time(row.model.created_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
