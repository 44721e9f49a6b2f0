"""The page on which somebody says which column is what, and sees what that makes of the first rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.bars import balance
from app.core.errors import Invalid
from app.core.work import Work
from app.datasets import forms, queries
from app.datasets.tables import Upload
from ml.data.canonical import Canonizer, Row, parse_date
from ml.data.importing import needs_confirmation
from ml.data.labels import BY_RATING, display_name, order_labels, parse_rating
from ml.data.mapping import ROLES, ColumnMapping, Role, named_for
from ml.data.records import Record

SHOWN = 10
FEW_LABELS = 20
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class Choice:
    """A column of the upload, with the first value that is not empty."""

    name: str
    example: str


@dataclass(frozen=True)
class Evidence:
    """What speaks for a column in its role, or against it."""

    role: Role
    column: str
    how: str
    said: str
    doubtful: bool


@dataclass(frozen=True)
class PreviewRow:
    """A sample row as the mapping would keep it, or the reason why it would be rejected."""

    number: int
    row: Row | None
    label: str
    reason: str


@dataclass(frozen=True)
class Preview:
    """``looked`` rows were read as the import would read them, and had ``classes`` different labels."""

    looked: int
    rows: Sequence[PreviewRow]
    kept: int
    reasons: Mapping[str, int]
    classes: int
    balance: Markup | None
    said: str


@dataclass(frozen=True)
class Naming:
    """What becomes of the name: a new data set, a further version of one, or nothing."""

    name: str
    becomes: str
    error: Invalid | None = None


@dataclass(frozen=True)
class MappingPage:
    upload: Upload
    mapping: ColumnMapping
    columns: Sequence[Choice]
    detected: Sequence[tuple[str, str]]
    evidence: Sequence[Evidence]
    preview: Preview | None
    problems: Sequence[str]
    naming: Naming


def mapping_page(work: Work, upload: Upload, mapping: ColumnMapping, name: str) -> MappingPage:
    shown = preview(upload, mapping)
    return MappingPage(
        upload,
        mapping,
        choices(upload),
        detected(upload),
        [evidence(upload, role, column) for role, column in mapping.items() if column],
        shown,
        [*_twice(mapping), *(_doubts(shown) if shown else [])],
        naming(work, name),
    )


def naming(work: Work, name: str) -> Naming:
    try:
        usable = forms.dataset_name(name)
    except Invalid as refused:
        return Naming(name, "", refused)
    there = queries.dataset_by_name(work.session, usable)
    if there is None:
        return Naming(usable, f"Becomes the new data set “{usable}”.")
    return Naming(
        usable, f"“{there.name}” is there already: this becomes its version {there.last_number + 1}."
    )


def detected(upload: Upload) -> list[tuple[str, str]]:
    """What the first look found, in the order in which a reader would doubt it."""
    peeked = upload.peek
    dialect = peeked.get("dialect") or {}
    found = [("Format", _format(peeked["format"], dialect)), ("Encoding", peeked["encoding"])]
    if peeked["compression"] != "none":
        found.append(("Compressed", peeked["compression"]))
    if dialect:
        found.append(("Header", f"line {dialect.get('preamble_lines', 0) + 1}"))
    found.append(("Columns", str(len(peeked["columns"]))))
    found.append(("Looked at", f"the first {len(peeked['rows'])} rows"))
    return found


def _format(name: str, dialect: Mapping[str, object]) -> str:
    delimiter = str(dialect.get("delimiter", ""))
    if not delimiter:
        return {"jsonl": "JSON Lines", "parquet": "Parquet"}.get(name, name)
    return f"{name.upper()}, separated by {DELIMITERS.get(delimiter, delimiter)}"


def choices(upload: Upload) -> list[Choice]:
    rows = upload.peek["rows"]
    return [
        Choice(name, next((row[index] for row in rows if (row[index] or "").strip()), "")[:60])
        for index, name in enumerate(upload.peek["columns"])
    ]


def evidence(upload: Upload, role: Role, column: str) -> Evidence:
    place = upload.peek["columns"].index(column)
    values = [row[place].strip() for row in upload.peek["rows"] if (row[place] or "").strip()]
    said, doubtful = _SAYS[role](values)
    if upload.peek["mapping"].get(role) != column:
        how = "your choice"
    else:
        how = "guessed by its name" if named_for(role, column) else "guessed by its values"
    return Evidence(role, column, how, said if values else "empty in all rows looked at", doubtful)


def _text(values: Sequence[str]) -> tuple[str, bool]:
    words = sum(len(value.split()) for value in values) / (len(values) or 1)
    return f"{words:.0f} words on average", words < 3


def _filled(values: Sequence[str]) -> tuple[str, bool]:
    return f"filled in {len(values)} rows", not values


def _rating(values: Sequence[str]) -> tuple[str, bool]:
    stars = sum(parse_rating(value) is not None for value in values)
    return f"{stars} of {len(values)} are whole stars from 1 to 5", stars * 20 < len(values) * 19


def _label(values: Sequence[str]) -> tuple[str, bool]:
    counts = Counter(values)
    return _different(counts), not 2 <= len(counts) <= FEW_LABELS


def _category(values: Sequence[str]) -> tuple[str, bool]:
    counts = Counter(values)
    return _different(counts), len(values) > 10 and len(counts) == len(values)


def _different(counts: Counter[str]) -> str:
    named = ", ".join(value[:30] for value, _ in counts.most_common(3))
    if len(counts) == 1:
        return f"one value: {named}"
    return f"{len(counts)} different values{': ' if len(counts) <= 3 else ', mostly '}{named}"


def _id(values: Sequence[str]) -> tuple[str, bool]:
    repeated = len(values) - len(set(values))
    return (f"{repeated} repeat another row's" if repeated else "no two alike"), repeated > 0


def _date(values: Sequence[str]) -> tuple[str, bool]:
    read = sum(parse_date(value) is not None for value in values)
    return f"{read} of {len(values)} can be read as dates", read < len(values)


_SAYS = {
    "text": _text,
    "title": _filled,
    "rating": _rating,
    "label": _label,
    "category": _category,
    "id": _id,
    "date": _date,
}


def preview(upload: Upload, mapping: ColumnMapping) -> Preview | None:
    """Sample rows through the very code that the import runs; nothing while the mapping lacks a part."""
    if not mapping["text"] or not (mapping["rating"] or mapping["label"]):
        return None
    canonizer = Canonizer(upload.peek["columns"], mapping)
    records = [
        Record(number, None, None, values, "", ())
        for number, values in enumerate(upload.peek["rows"], start=1)
    ]
    made = [canonizer.row(record) for record in records]
    labels = BY_RATING if not mapping["label"] else order_labels(canonizer.labels)
    counts = [(display_name(label, labels), canonizer.labels[label]) for label in labels]
    shown = zip(records[:SHOWN], made, strict=False)
    return Preview(
        looked=len(records),
        rows=[_preview_row(record.number, row, labels) for record, row in shown],
        kept=canonizer.labels.total(),
        reasons=Counter(row for row in made if isinstance(row, str)),
        classes=len(canonizer.labels),
        balance=balance(counts) if canonizer.labels else None,
        said=", ".join(f"{count} {name}" for name, count in counts),
    )


def _preview_row(number: int, row: Row | str, labels: Sequence[str]) -> PreviewRow:
    if isinstance(row, str):
        return PreviewRow(number, None, "", row)
    return PreviewRow(number, row, display_name(row.label, labels), "")


def _twice(mapping: ColumnMapping) -> list[str]:
    used = Counter(column for column in mapping.values() if column)
    return [
        f"The column “{column}” is used twice: for {' and '.join(_roles_of(mapping, column))}."
        for column, count in used.items()
        if count > 1
    ]


def _roles_of(mapping: ColumnMapping, column: str) -> list[Role]:
    return [role for role in ROLES if mapping[role] == column]


def _doubts(shown: Preview) -> list[str]:
    doubts = []
    rejected = sum(shown.reasons.values())
    if not shown.looked:
        doubts.append(
            "No row looked at could be read: each has more or fewer cells than the header has columns."
        )
    elif not shown.kept:
        doubts.append("None of the rows looked at could be used.")
    elif needs_confirmation(shown.kept, rejected):
        share = f"{rejected} of {shown.looked}"
        doubts.append(
            f"{share} rows looked at would be rejected. Above 5 % somebody has to confirm the version."
        )
    if shown.kept >= SHOWN and shown.classes == 1:
        doubts.append("All rows looked at have one and the same label. A classifier needs two or more.")
    return doubts
