"""Canonical rows and rejects on their way to Parquet files, a bounded part of them in memory."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from ml.contract.faults import faultpoint
from ml.data.canonical import REJECTS, SCHEMA, Row

SHARD_ROWS = 100_000
BATCH_ROWS = 10_000
BATCH_CHARACTERS = 16 << 20


class ShardWriter:
    """``reviews-00000.parquet`` and so on, each of at most :data:`SHARD_ROWS` rows."""

    def __init__(self, directory: Path, shard_rows: int = SHARD_ROWS) -> None:
        self._directory = directory
        self._shard_rows = shard_rows
        self._rows: list[Row] = []
        self._characters = 0
        self._in_shard = 0
        self._file: pq.ParquetWriter | None = None
        self.paths: list[Path] = []
        self.rows = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        self._characters += len(row.text) + len(row.title or "")
        self.rows += 1
        waiting = len(self._rows)
        full = self._in_shard + waiting == self._shard_rows
        if full or waiting == BATCH_ROWS or self._characters > BATCH_CHARACTERS:
            self._flush()
        if full:
            self._close()

    def finish(self) -> list[str]:
        """Write what waits; the sha256 of every shard, in order."""
        self._flush()
        self._close()
        return [_sha256(path) for path in self.paths]

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._file is None:
            self._file = self._open()
        faultpoint("shard.write")
        self._file.write_batch(_batch(self._rows, SCHEMA))
        self._in_shard += len(self._rows)
        self._rows, self._characters = [], 0

    def _open(self) -> pq.ParquetWriter:
        path = self._directory / f"reviews-{len(self.paths):05d}.parquet"
        self.paths.append(path)
        return pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def _close(self) -> None:
        if self._file is not None:
            faultpoint("shard.close")
            self._file.close()
        self._file, self._in_shard = None, 0


class RejectWriter:
    """``rejects.parquet``, which is there even when nothing was rejected."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetWriter(path, REJECTS, compression="zstd")
        self._rows: list[tuple[int, int | None, int | None, str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
        self._file.close()

    def add(self, row: int, line: int | None, offset: int | None, reason: str, raw: str) -> None:
        self._rows.append((row, line, offset, reason, raw.replace("\x00", "")))
        if len(self._rows) == 1000:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._file.write_batch(_batch(self._rows, REJECTS))
            self._rows = []


def _batch(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
