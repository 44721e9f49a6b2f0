"""Data sets and versions as JSON: the one shape that REST, the command line and the tests read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.datasets.queries import NamedVersion
from ml.data.labels import display_name

FACTS = (
    "labels",
    "label_counts",
    "label_source",
    "mapping",
    "columns",
    "file_format",
    "encoding",
    "compression",
    "dialect",
    "warnings",
    "reject_reasons",
    "fields",
)


def version_json(named: NamedVersion) -> dict[str, Any]:
    """While it is being imported, everything that only reading can tell is null."""
    version = named.version
    return {
        "id": version.id,
        "name": named.dataset.name,
        "dataset_id": named.dataset.id,
        "version": version.number,
        "status": version.status,
        "message": version.message,
        "rows": version.rows,
        "rejected": version.rejected,
        **{fact: version.facts.get(fact) for fact in FACTS},
        "source": {
            "filename": named.upload.filename,
            "sha256": named.upload.sha256,
            "size": named.upload.size,
        },
        "content_sha256": version.content_sha256,
        "artifact": version.tree_sha256,
        "run_id": version.run_id,
        "created_at": _time(version.created_at),
        "finished_at": _time(version.finished_at),
        "created_by": version.created_by,
        "confirmed_by": version.confirmed_by,
    }


def dataset_json(newest: NamedVersion) -> dict[str, Any]:
    """The data set by its newest version: ``id`` is the data set's, ``version_id`` the version's."""
    version = version_json(newest)
    return {
        **version,
        "id": newest.dataset.id,
        "version_id": newest.version.id,
        "updated_at": version["finished_at"] or version["created_at"],
    }


def balance_of(named: NamedVersion) -> list[tuple[str, int]]:
    """Labels as people read them, with their rows, in the labels' order."""
    facts = named.version.facts
    labels: Sequence[str] = facts.get("labels") or []
    counts = facts.get("label_counts") or {}
    return [(display_name(label, labels), counts.get(label, 0)) for label in labels]


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
