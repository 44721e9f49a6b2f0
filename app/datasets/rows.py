"""A version's rows, a page of them at a time, also those that hold a text: with a bound on what is read.

Shards lie in order and are read a group at a time. Who looks for something rare in millions of rows is told
how far the search came, and goes on from there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.core.storage import ArtifactDamaged, Storage, StoredFile
from app.datasets.tables import DatasetVersion

SHARD = "reviews-"
SEARCHED = ("review_id", "title", "text", "category")
MAX_BYTES = 96 << 20  # of unpacked rows, in one request
BATCH = 256
FIRST_DIGITS = 12
ADVICE = "Import the file again, or restore the storage from a backup."


@dataclass(frozen=True)
class Asked:
    """``start`` is the place of the first row to look at, from 0."""

    text: str = ""
    label: str = ""
    start: int = 0

    @property
    def narrows(self) -> bool:
        return bool(self.text or self.label)


@dataclass(frozen=True)
class Found:
    """``next`` is where the following page begins; ``stopped`` says that the bound was met before its end."""

    items: Sequence[dict[str, Any]]
    next: int | None
    stopped: bool = False


@dataclass(frozen=True)
class _Group:
    file: pq.ParquetFile
    place: int
    first: int  # its first row, counted over all shards
    rows: int
    size: int


def start_of(cursor: str | None) -> int:
    usable = cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < FIRST_DIGITS
    return int(cursor) if usable and cursor else 0


def find_rows(
    storage: Storage, version: DatasetVersion, asked: Asked, limit: int, most: int = MAX_BYTES
) -> Found:
    """At least one group is read, however large it is: whoever goes on comes further."""
    items: list[dict[str, Any]] = []
    read = 0
    for group in _groups(storage, version, asked.start):
        if read and read + group.size > most:
            return Found(items, group.first, stopped=True)
        read += group.size
        for place, row in _matching(group, asked):
            if len(items) == limit:
                return Found(items, place)
            items.append(row)
    return Found(items, None)


def every_row(storage: Storage, version: DatasetVersion, asked: Asked) -> Iterator[dict[str, Any]]:
    """Without a bound: for a file, not for a page."""
    for group in _groups(storage, version, asked.start):
        yield from (row for _, row in _matching(group, asked))


def _groups(storage: Storage, version: DatasetVersion, start: int) -> Iterator[_Group]:
    """From the one that holds row ``start``; shards before it are opened, not read."""
    if version.tree_sha256 is None:
        return
    shards = [file for file in storage.tree(version.tree_sha256).files if file.path.startswith(SHARD)]
    first = 0
    for shard in shards:
        rows = _rows_of(storage, shard)
        if first + rows > start:
            yield from _groups_of(storage, shard, first, start)
        first += rows


def _rows_of(storage: Storage, shard: StoredFile) -> int:
    # A damaged file is told as such, and not as whatever the Parquet reader stumbles over.
    path = storage.checked_path(shard.sha256)
    try:
        return int(pq.read_metadata(path).num_rows)
    except pa.ArrowInvalid as error:
        raise ArtifactDamaged(f"The stored file {shard.path} is no Parquet file.", ADVICE) from error


def _groups_of(storage: Storage, shard: StoredFile, first: int, start: int) -> Iterator[_Group]:
    with pq.ParquetFile(storage.local_path(shard.sha256)) as file:
        for place in range(file.num_row_groups):
            about = file.metadata.row_group(place)
            if first + about.num_rows > start:
                yield _Group(file, place, first, about.num_rows, about.total_byte_size)
            first += about.num_rows


def _matching(group: _Group, asked: Asked) -> Iterator[tuple[int, dict[str, Any]]]:
    """Place and row. A batch at a time: a page takes a few rows of the ten thousand that a group may hold."""
    first = group.first
    for batch in group.file.iter_batches(BATCH, row_groups=[group.place], use_threads=False):
        skipped = min(batch.num_rows, max(0, asked.start - first))
        rows = batch.slice(skipped)
        places = pa.array(range(first + skipped, first + batch.num_rows), pa.int64())
        if asked.narrows:
            mask = _mask(rows, asked)
            rows, places = rows.filter(mask), places.filter(mask)
        yield from zip(places.to_pylist(), rows.to_pylist(), strict=True)
        first += batch.num_rows


def _mask(rows: pa.RecordBatch, asked: Asked) -> pa.Array:
    mask = pc.equal(rows["label"], asked.label) if asked.label else pa.array([True] * rows.num_rows)
    if not asked.text:
        return mask
    anywhere = pa.array([False] * rows.num_rows)
    for name in SEARCHED:
        said = pc.match_substring(rows[name], asked.text, ignore_case=True)
        anywhere = pc.or_(anywhere, pc.fill_null(said, False))
    return pc.and_(mask, anywhere)
