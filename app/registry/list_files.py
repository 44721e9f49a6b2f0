"""The lists of the registry as files: all rows that match, in columns for programs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.core.lists import Column
from app.core.work import Work
from app.registry import list_queries, queries
from app.registry.filters import Filters
from app.registry.listing import ModelLine, VersionRow, model_lines, version_rows
from app.registry.tables import Decision, Model, ModelVersion

MODEL_COLUMNS: Sequence[Column[ModelLine]] = (
    Column("id", lambda line: line.row.model.id),
    Column("name", lambda line: line.row.model.name),
    Column("versions", lambda line: line.row.versions),
    Column("newest", lambda line: line.newest.version.number if line.newest else None),
    Column("status", lambda line: line.newest.state if line.newest else None),
    Column("macro_f1", lambda line: _value(line.newest, "macro_f1", "value")),
    Column("macro_f1_low", lambda line: _value(line.newest, "macro_f1", "low")),
    Column("macro_f1_high", lambda line: _value(line.newest, "macro_f1", "high")),
    Column("accuracy", lambda line: _value(line.newest, "accuracy", "value")),
    Column("n", lambda line: _value(line.newest, "accuracy", "n")),
    Column(
        "live", lambda line: [f"v{each.number}@{name}" for each in line.row.live for name in each.live_on]
    ),
    Column("tags", lambda line: list(line.kept.tags)),
    Column("updated_at", lambda line: line.updated_at),
)
VERSION_COLUMNS: Sequence[Column[VersionRow]] = (
    Column("id", lambda row: row.version.id),
    Column("model", lambda row: row.model.name),
    Column("version", lambda row: row.version.number),
    Column("status", lambda row: row.version.status),
    Column("validity", lambda row: row.version.validity),
    Column("macro_f1", lambda row: _value(row, "macro_f1", "value")),
    Column("macro_f1_low", lambda row: _value(row, "macro_f1", "low")),
    Column("macro_f1_high", lambda row: _value(row, "macro_f1", "high")),
    Column("accuracy", lambda row: _value(row, "accuracy", "value")),
    Column("accuracy_low", lambda row: _value(row, "accuracy", "low")),
    Column("accuracy_high", lambda row: _value(row, "accuracy", "high")),
    Column("n", lambda row: _value(row, "accuracy", "n")),
    Column("difference_from_live", lambda row: row.difference.value if row.difference else None),
    Column("live_on", lambda row: list(row.version.live_on)),
    Column("run_id", lambda row: row.version.run_id),
    Column("dataset_version_id", lambda row: row.version.dataset_version_id),
    Column("evidence_sha256", lambda row: row.version.evidence_sha256),
    Column("author", lambda row: row.author),
    Column("tags", lambda row: list(row.kept.tags)),
    Column("created_at", lambda row: row.version.created_at),
)


def _value(row: VersionRow | None, metric: str, part: str) -> float | None:
    found = row.metric(metric) if row else None
    return found[part] if found else None


def all_models(work: Work, filters: Filters) -> Iterator[ModelLine]:
    offset: int | None = 0
    while offset is not None:
        page = list_queries.list_models(work.session, filters, offset, 500)
        yield from model_lines(work, page.items)
        offset = page.next


def all_versions(work: Work, model: Model, filters: Filters) -> Iterator[VersionRow]:
    offset: int | None = 0
    while offset is not None:
        page = list_queries.list_versions(work.session, model.id, filters, offset, 500)
        yield from version_rows(work, model, page.items)
        offset = page.next


@dataclass(frozen=True)
class Request:
    """One line of the approvals as a file: a version that waits, or one decision that was taken."""

    model: Model
    version: ModelVersion
    decision: Decision | None


def requests(work: Work, text: str) -> Iterator[Request]:
    """Waiting first, oldest of them first; then what was decided, newest first."""
    for named in queries.waiting(work.session, text, 10_000):
        yield Request(named.model, named.version, None)
    offset = 0
    while rows := list_queries.decided(work.session, text, offset, 500):
        yield from (Request(named.model, named.version, decision) for decision, named in rows)
        offset += len(rows)


def request_columns(names: Mapping[str, str]) -> Sequence[Column[Request]]:
    return (
        Column("version_id", lambda row: row.version.id),
        Column("model", lambda row: row.model.name),
        Column("version", lambda row: row.version.number),
        Column("status", lambda row: row.decision.after if row.decision else row.version.status),
        Column("asked_by", lambda row: names.get(row.version.author_id, row.version.author_id)),
        Column("asked_at", lambda row: row.version.created_at),
        Column("decided_by", lambda row: _decider(row, names)),
        Column("decided_at", lambda row: row.decision.at if row.decision else None),
        Column("comment", lambda row: row.decision.comment if row.decision else None),
        Column("evidence_sha256", lambda row: row.version.evidence_sha256),
    )


def _decider(row: Request, names: Mapping[str, str]) -> str | None:
    return names.get(row.decision.actor_id, row.decision.actor_id) if row.decision else None
