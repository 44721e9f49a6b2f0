"""What the pages of data sets show, made ready for the templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.accounts.queries import actor_names
from app.charts.bars import Bar, balance, bars
from app.charts.figure import Words
from app.core.lineage import Edge, used_by
from app.core.pages import percent
from app.core.services import Services
from app.core.work import Work
from app.datasets import contents, queries, views
from app.datasets.contents import Rejects
from app.datasets.queries import NamedVersion
from app.datasets.tables import Upload
from ml.data.canonical import Canonizer, Row
from ml.data.labels import BY_RATING, display_name, order_labels
from ml.data.mapping import ColumnMapping
from ml.data.records import Record

PREVIEW_ROWS = 10
REJECTS_SHOWN = 12
SAMPLE_ROWS = 12


@dataclass(frozen=True)
class ListRow:
    named: NamedVersion
    balance: Markup


@dataclass(frozen=True)
class PreviewRow:
    """A sample row as the mapping would keep it, or the reason why it would be rejected."""

    number: int
    row: Row | None
    label: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """A column of the upload, with the first value that is not empty."""

    name: str
    example: str


@dataclass(frozen=True)
class VersionPage:
    named: NamedVersion
    versions: Sequence[NamedVersion]
    same_content: Sequence[NamedVersion]
    names: Mapping[str, str]
    figure: Markup | None
    rows: Sequence[Mapping[str, Any]]
    rejects: Rejects
    users: Sequence[Edge]


def list_rows(items: Sequence[NamedVersion]) -> list[ListRow]:
    return [ListRow(named, balance(views.balance_of(named))) for named in items]


def choices(upload: Upload) -> list[Choice]:
    rows = upload.peek["rows"]
    return [
        Choice(name, next((row[index] for row in rows if (row[index] or "").strip()), "")[:60])
        for index, name in enumerate(upload.peek["columns"])
    ]


def preview(upload: Upload, mapping: ColumnMapping) -> list[PreviewRow]:
    """Sample rows through the very code that the import runs; nothing while the mapping lacks a part."""
    if not mapping["text"] or not (mapping["rating"] or mapping["label"]):
        return []
    canonizer = Canonizer(upload.peek["columns"], mapping)
    records = [
        Record(number, None, None, values, "", ())
        for number, values in enumerate(upload.peek["rows"][:PREVIEW_ROWS], start=1)
    ]
    made = [canonizer.row(record) for record in records]
    labels = BY_RATING if not mapping["label"] else order_labels(canonizer.labels)
    return [_preview_row(record.number, row, labels) for record, row in zip(records, made, strict=True)]


def _preview_row(number: int, row: Row | str, labels: Sequence[str]) -> PreviewRow:
    if isinstance(row, str):
        return PreviewRow(number, None, "", row)
    return PreviewRow(number, row, display_name(row.label, labels), "")


def version_page(work: Work, services: Services, named: NamedVersion, cursor: str | None) -> VersionPage:
    version = named.version
    versions = queries.versions_of(work.session, named.dataset.id)
    people = {version.created_by, version.confirmed_by or ""}
    rows = contents.first_rows(services.storage, version, SAMPLE_ROWS)
    labels = version.facts.get("labels") or []
    return VersionPage(
        named=named,
        versions=versions,
        same_content=queries.same_content(work.session, version),
        names=actor_names(work.session, people),
        figure=_figure(named),
        rows=[{**row, "shown": display_name(row["label"], labels)} for row in rows],
        rejects=contents.rejects(services.storage, version, cursor, REJECTS_SHOWN),
        users=[edge for edge in used_by(work.session, version.id) if edge.target_id != version.run_id],
    )


def _figure(named: NamedVersion) -> Markup | None:
    counts = views.balance_of(named)
    total = sum(count for _, count in counts)
    if not total:
        return None
    items = [Bar(label, count, f"{count:,} · {percent(count / total)}") for label, count in counts]
    source = named.version.facts.get("label_source")
    how = "labels from stars: 1–2, 3, 4–5" if source == "rating" else "labels as the file has them"
    said = ", ".join(f"{count:,} {label}" for label, count in counts)
    words = Words(_finding(counts), f"{how}; n = {total:,}", "Rows by label", said)
    return bars("labels", words, items, "Label", "Rows")


def _finding(counts: Sequence[tuple[str, int]]) -> str:
    ordered = sorted(counts, key=lambda each: each[1])
    (least, fewest), (most, many) = ordered[0], ordered[-1]
    if many == fewest:
        return f"All {len(counts)} labels have equally many rows"
    ratio = f"{many / fewest:.1f} to 1" if fewest else "without a single row of them"
    return f"“{most}” outnumbers “{least}” {ratio}"
