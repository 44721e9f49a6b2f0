"""Reading a data set version: canonical Parquet shards and their version.json, batch by batch."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml.contract.outcome import StepRefused

BATCH_ROWS = 4096


@dataclass(frozen=True)
class DatasetVersion:
    shards: tuple[Path, ...]
    labels: tuple[str, ...]
    rows: int
    content_sha256: str

    @classmethod
    def open(cls, directory: Path) -> "DatasetVersion":
        shards = tuple(sorted(directory.glob("reviews-*.parquet")))
        description = directory / "version.json"
        if not shards or not description.exists():
            raise StepRefused(
                "This is not a data set version: reviews-*.parquet or version.json is missing.",
                "Start the run from a data set version whose import has finished.",
            )
        found = json.loads(description.read_text(encoding="utf-8"))
        rows = sum(pq.read_metadata(shard).num_rows for shard in shards)
        return cls(shards, tuple(found["labels"]), rows, str(found.get("content_sha256", "")))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Whole columns are never in memory at once; one batch is."""
        for shard in self.shards:
            with pq.ParquetFile(shard) as file:
                yield from file.iter_batches(BATCH_ROWS, columns=list(columns) if columns else None)

    def batches_within(self, rows: range) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Those of :meth:`batches` that begin within ``rows``, each with the number of its first row."""
        start = 0
        for shard in self.shards:
            with pq.ParquetFile(shard) as file:
                end = start + file.metadata.num_rows
                if end <= rows.start or start >= rows.stop:
                    start = end
                    continue
                for batch in file.iter_batches(BATCH_ROWS):
                    if start in rows:
                        yield start, batch
                    start += batch.num_rows
