"""Reports of monitoring as JSON, the same for REST and the command line."""

from dataclasses import asdict
from typing import Any

from app.core.pages import iso
from app.monitoring.checking import Report
from app.monitoring.collecting import Collection
from app.monitoring.facts import System
from app.runs.workers.api import worker_json


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


def system_json(system: System) -> dict[str, Any]:
    collection = system.stored
    return {
        "problems": [asdict(problem) for problem in system.problems],
        "queues": [
            {
                "queue": each.name,
                "waiting": each.waiting,
                "oldest_seconds": each.oldest_seconds,
                "running": each.running,
                "workers": each.workers,
            }
            for each in system.queues
        ],
        "workers": [worker_json(row) for row in system.workers],
        "leases": [
            {**asdict(each), "since": iso(each.since), "until": iso(each.until)} for each in system.leases
        ],
        "lost_attempts": [{**asdict(each), "at": iso(each.at)} for each in system.lost],
        "outbox": asdict(system.outbox),
        "audit": asdict(system.audit),
        "disk": asdict(system.disk),
        "storage": {
            "place": system.place,
            "files": collection.outcome.get("stored_files"),
            "bytes": collection.outcome.get("stored_bytes"),
            "counted_at": iso(collection.finished_at) or None,
        },
        "versions": dict(system.versions),
        "chores": [
            {
                **asdict(each),
                "next_at": iso(each.next_at) or None,
                "finished_at": iso(each.finished_at) or None,
            }
            for each in system.chores
        ],
        "requests": {
            "last_hour": sum(n for _, n in system.requests),
            "p50_ms": system.p50,
            "p95_ms": system.p95,
        },
    }
