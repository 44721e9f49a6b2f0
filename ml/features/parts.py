"""Writing the parts: Parquet shards of what was chosen, tokenized, and of the rest as plain text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ml.contract.faults import faultpoint
from ml.features.composition import ReviewInput
from ml.features.dataset import DatasetVersion
from ml.features.snapshot import REST
from ml.features.tokenization import ReviewTokenizer

SHARD_ROWS = 100_000
Progress = Callable[[int, int, str], None]
Mask = npt.NDArray[np.bool_]


@dataclass
class Written:
    """What a part came to. ``labels`` counts its rows by their label's id."""

    labels: list[int]
    rows: int = 0
    tokens: int = 0
    truncated: int = 0

    def add(self, other: "Written") -> None:
        self.labels = [mine + its for mine, its in zip(self.labels, other.labels, strict=True)]
        self.rows += other.rows
        self.tokens += other.tokens
        self.truncated += other.truncated


class Sink(Protocol):
    """Where the tables of a part go, one after the other."""

    def append(self, part: str, table: pa.Table) -> None: ...


def write_parts(
    dataset: DatasetVersion,
    masks: Mapping[str, Mask],
    tokenizer: ReviewTokenizer,
    rows: range,
    sink: Sink,
    progress: Progress,
) -> dict[str, Written]:
    """The batches that begin within ``rows``. ``masks`` says of each part which of the data set's rows it
    holds."""
    counts = {name: Written([0] * len(dataset.labels)) for name in masks}
    for start, batch in dataset.batches_within(rows):
        end = start + batch.num_rows
        for name in masks:
            chosen = batch.filter(pa.array(masks[name][start:end]))
            if chosen.num_rows:
                sink.append(name, feature_table(chosen, name, dataset.labels, tokenizer, counts[name]))
        progress(min(end, rows.stop) - rows.start, len(rows), "tokenizing")
    return counts


def feature_table(
    rows: pa.RecordBatch, part: str, labels: tuple[str, ...], tokenizer: ReviewTokenizer, count: Written
) -> pa.Table:
    ids = {name: index for index, name in enumerate(labels)}
    size = rows.num_rows
    columns = {name: rows.column(name) for name in rows.schema.names}
    columns["split"] = pa.array(["train" if part == REST else part] * size)
    label_ids = [ids[label] for label in rows.column("label").to_pylist()]
    columns["label_id"] = pa.array(label_ids, pa.int32())
    count.add(Written(np.bincount(label_ids, minlength=len(labels)).tolist(), size))
    if part != REST:
        titles = rows.column("title").to_pylist()
        texts = rows.column("text").to_pylist()
        encoded = tokenizer.encode([ReviewInput(*pair) for pair in zip(texts, titles, strict=True)])
        item = pa.uint16() if tokenizer.vocabulary <= 2**16 else pa.int32()
        columns["input_ids"] = pa.array([one.ids for one in encoded], pa.list_(item))
        columns["tokens"] = pa.array([one.tokens for one in encoded], pa.int32())
        count.tokens += sum(len(one.ids) for one in encoded)
        count.truncated += sum(one.truncated for one in encoded)
    return pa.table(columns)


class FeatureFiles:
    """Parquet files ``<part>-<number>.parquet``, a new one each time the last is full."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._open: dict[str, tuple[pq.ParquetWriter, int, int]] = {}

    def __enter__(self) -> "FeatureFiles":
        self._directory.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for writer, _number, _rows in self._open.values():
            writer.close()

    def append(self, part: str, table: pa.Table) -> None:
        writer, number, rows = self._open.get(part) or (self._file(part, 0, table.schema), 0, 0)
        if rows + table.num_rows > SHARD_ROWS:
            writer.close()
            writer, number, rows = self._file(part, number + 1, table.schema), number + 1, 0
        faultpoint("features.write")
        writer.write_table(table)
        self._open[part] = (writer, number, rows + table.num_rows)

    def _file(self, part: str, number: int, schema: pa.Schema) -> pq.ParquetWriter:
        return pq.ParquetWriter(self._directory / f"{part}-{number:05d}.parquet", schema, compression="zstd")
