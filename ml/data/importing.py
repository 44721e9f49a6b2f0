"""From an upload to a version of a data set: shards, rejects and ``version.json``, in bounded memory."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ml.contract.faults import faultpoint
from ml.contract.outcome import StepRefused
from ml.data.canonical import Canonizer
from ml.data.labels import BY_RATING, order_labels
from ml.data.mapping import ColumnMapping, complete, require_usable
from ml.data.opening import Opened, open_upload
from ml.data.records import Record
from ml.data.shards import RejectWriter, ShardWriter
from ml.data.source import Source
from ml.data.summary import CountTokens, Summary

CONFIRM_ABOVE = 0.05
FEW_IN_CLASS = 10
PACE_RECORDS = 500

# done bytes, all bytes, what is being done; may raise to stop
Pace = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Upload:
    """``count_tokens`` is for the summary of lengths; without it only words are counted."""

    path: Path
    filename: str
    mapping: Mapping[str, object]
    cap: int | None = None
    count_tokens: CountTokens | None = None


@dataclass(frozen=True)
class Outcome:
    """What reading came to, before it is written down."""

    mapping: ColumnMapping
    canonizer: Canonizer
    reasons: Counter[str]
    first_fault: Record | None
    shards: list[str]
    summary: Summary


def import_upload(upload: Upload, directory: Path, pace: Pace) -> dict[str, object]:
    """Write the version's tree into ``directory``; what ``version.json`` says is also returned."""
    opened = open_upload(
        upload.path,
        upload.filename,
        upload.cap,
        lambda source: pace(source.position, source.size, "checking the file"),
    )
    mapping = complete(upload.mapping, opened.table.columns, opened.sample)
    require_usable(mapping, opened.table.columns)
    outcome = _read(opened, mapping, directory, pace, upload.count_tokens)
    _check_classes(outcome)
    version = _describe(upload, opened, outcome)
    text = json.dumps(version, ensure_ascii=False, indent=2)
    faultpoint("version.write")
    (directory / "version.json").write_text(text, encoding="utf-8")
    return version


def _read(
    opened: Opened, mapping: ColumnMapping, directory: Path, pace: Pace, count_tokens: CountTokens | None
) -> Outcome:
    table = opened.table
    canonizer = Canonizer(table.columns, mapping)
    shards = ShardWriter(directory)
    summary = Summary(count_tokens)
    reasons: Counter[str] = Counter()
    first_fault: Record | None = None
    wanted = frozenset(column for column in mapping.values() if column)
    with RejectWriter(directory / "rejects.parquet") as rejects:
        read = _paced(table.records(wanted), table.source, pace, shards, reasons)
        for record in read:
            row = canonizer.row(record)
            if not isinstance(row, str):
                shards.add(row)
                summary.add(row)
                continue
            reasons[row] += 1
            rejects.add(record.number, record.line, record.offset, row, record.raw_text())
            if record.values is None and first_fault is None:
                first_fault = record
    return Outcome(mapping, canonizer, reasons, first_fault, shards.finish(), summary)


def _paced(
    records: Iterator[Record], source: Source, pace: Pace, shards: ShardWriter, reasons: Counter[str]
) -> Iterator[Record]:
    def told(done: int) -> None:
        pace(done, source.size, f"reading rows: {shards.rows:,} kept, {reasons.total():,} rejected")

    for count, record in enumerate(records):
        if count % PACE_RECORDS == 0:
            told(source.position)
        yield record
    told(source.size)


def _check_classes(outcome: Outcome) -> None:
    labels, rejected = outcome.canonizer.labels, outcome.reasons
    if not labels:
        reason, count = rejected.most_common(1)[0] if rejected else ("there is none", 0)
        raise StepRefused(
            f"No row can be used. Most frequent reason: {reason} ({count:,} rows).",
            "Check which columns are mapped to the text and to the rating or label.",
        )
    if len(labels) < 2:
        raise StepRefused(
            f"All {labels.total():,} usable rows have one and the same label: {next(iter(labels))}.",
            "A classifier needs reviews of at least two classes.",
        )


def _describe(upload: Upload, opened: Opened, outcome: Outcome) -> dict[str, object]:
    table, counts = opened.table, outcome.canonizer.labels
    by_rating = outcome.mapping["label"] is None
    labels = list(BY_RATING if by_rating and len(counts) == 3 else order_labels(counts))
    with upload.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "format": 1,
        "rows": counts.total(),
        "rejected": outcome.reasons.total(),
        "labels": labels,
        "label_counts": {label: counts[label] for label in labels},
        "label_source": "rating" if by_rating else "label",
        "mapping": outcome.mapping,
        "columns": list(table.columns),
        "file_format": table.facts["format"],
        "encoding": table.facts["encoding"],
        "compression": table.facts["compression"],
        "dialect": table.facts["dialect"],
        "source": {"filename": upload.filename, "sha256": sha256, "size": upload.path.stat().st_size},
        "warnings": [*table.warnings, *_warnings(outcome)],
        "reject_reasons": dict(outcome.reasons.most_common()),
        "fields": {"title": outcome.mapping["title"] is not None},
        "content_sha256": content_sha256(outcome.shards, labels),
        "summary": outcome.summary.facts(labels),
    }


def content_sha256(shards: list[str], labels: list[str]) -> str:
    """The version's identity: the same rows and labels, however they were uploaded."""
    return hashlib.sha256(json.dumps({"labels": labels, "shards": shards}).encode()).hexdigest()


def _warnings(outcome: Outcome) -> Iterator[str]:
    canonizer, reasons = outcome.canonizer, outcome.reasons
    fault = outcome.first_fault
    if fault is not None:
        place = f"line {fault.line:,}" if fault.line is not None else f"row {fault.number:,}"
        yield f"Some records could not be read; the first stands on {place}: {fault.reason}."
    if needs_confirmation(canonizer.labels.total(), reasons.total()):
        share = reasons.total() / (reasons.total() + canonizer.labels.total())
        yield f"{share:.1%} of the rows were rejected. Look at them before this version is used."
    if canonizer.nuls:
        yield f"NUL characters were removed from {canonizer.nuls:,} cells."
    if canonizer.surrogates:
        yield f"Half characters (lone surrogates) were replaced in {canonizer.surrogates:,} cells."
    if canonizer.dates_unread:
        yield f"{canonizer.dates_unread:,} dates are not in ISO 8601 or are ambiguous; they were left empty."
    few = [label for label, count in canonizer.labels.items() if count < FEW_IN_CLASS]
    if few:
        listed = ", ".join(sorted(few)[:20])
        yield f"Fewer than {FEW_IN_CLASS} rows have the label {listed}: too few to learn or to judge."


def needs_confirmation(rows: int, rejected: int) -> bool:
    return rejected > CONFIRM_ABOVE * (rows + rejected)
