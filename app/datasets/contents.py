"""The rows of an upload that were rejected, read a group at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from app.core.lists import csv_lines
from app.core.storage import Storage
from app.datasets.rows import start_of
from app.datasets.tables import DatasetVersion

REJECTS = "rejects.parquet"
EXAMPLE_GROUPS = 10  # of a thousand rejects
COLUMNS = ("row", "line", "byte_offset", "reason", "raw")


@dataclass(frozen=True)
class Rejects:
    """``next`` is the cursor of the following page, or None on the last one."""

    items: Sequence[dict[str, Any]]
    total: int
    next: str | None


def rejects(storage: Storage, version: DatasetVersion, cursor: str | None, limit: int) -> Rejects:
    """In the order of the upload. The cursor is how many rows stand before the page."""
    start = start_of(cursor)
    total = version.rejected or 0
    if version.tree_sha256 is None or start >= total:
        return Rejects([], total, None)
    items: list[dict[str, Any]] = []
    with _file(storage, version, REJECTS) as file:
        for group, skip in _groups_from(file, start):
            items += file.read_row_group(group).slice(skip).to_pylist()
            if len(items) >= limit:
                break
    end = start + limit
    return Rejects(items[:limit], total, str(end) if end < total else None)


def _groups_from(file: pq.ParquetFile, start: int) -> Iterator[tuple[int, int]]:
    """Row groups from the one that holds row ``start``, with how many of its rows stand before it."""
    before = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if before + rows > start:
            yield group, max(0, start - before)
        before += rows


def rejects_csv(storage: Storage, version: DatasetVersion) -> Iterator[str]:
    """All of them, as CSV that a spreadsheet can open without running anything."""
    yield csv_lines([COLUMNS])
    if version.tree_sha256 is None:
        return
    with _file(storage, version, REJECTS) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group).to_pylist()
            yield csv_lines([row[name] for name in COLUMNS] for row in rows)


@dataclass(frozen=True)
class Example:
    """A rejected row, where it stands in the file."""

    row: int
    line: int | None
    raw: str


def examples(storage: Storage, version: DatasetVersion, each: int = 3) -> dict[str, list[Example]]:
    """The first few rejects of every reason, as far as the first groups tell."""
    found: dict[str, list[Example]] = {}
    if version.tree_sha256 is None:
        return found
    with _file(storage, version, REJECTS) as file:
        for group in range(min(file.num_row_groups, EXAMPLE_GROUPS)):
            for row in file.read_row_group(group).to_pylist():
                of_reason = found.setdefault(row["reason"], [])
                if len(of_reason) < each:
                    of_reason.append(Example(row["row"], row["line"], row["raw"]))
    return found


def _file(storage: Storage, version: DatasetVersion, name: str) -> pq.ParquetFile:
    stored = storage.tree(version.tree_sha256 or "").find(name)
    # A damaged file is told as such, and not as whatever the Parquet reader stumbles over.
    return pq.ParquetFile(storage.checked_path(stored.sha256))
