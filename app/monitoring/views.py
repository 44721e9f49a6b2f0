"""Reports of monitoring as JSON, the same for REST and the command line."""

from dataclasses import asdict
from typing import Any

from app.core.pages import iso
from app.monitoring.checking import Report
from app.monitoring.collecting import Collection


def report_json(report: Report) -> dict[str, Any]:
    return {
        "whole": report.whole,
        "stored": report.stored,
        "named": report.named,
        "losses": [asdict(loss) for loss in report.losses],
        "unnamed": {"count": report.unnamed, "size": report.unnamed_size},
        "unfinished_runs": [
            {"id": run.id, "number": run.number, "status": run.status, "owners": list(run.owners)}
            for run in report.unfinished
        ],
        "audit": report.audit or None,
    }


def collection_json(found: Collection) -> dict[str, Any]:
    return {
        "dry_run": found.dry,
        "count": found.count,
        "size": found.size,
        "kept": found.kept,
        "stored": {"count": found.stored, "size": found.stored_size},
        "older_than_hours": found.older_than_hours,
        "examples": [
            {"sha256": blob.sha256, "size": blob.size, "changed_at": iso(blob.changed_at)}
            for blob in found.examples
        ],
    }
