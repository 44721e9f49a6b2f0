"""A Parquet upload as a table.

The footer of a Parquet file does not say how much it decodes to: 12 KB may hold 50 GB of one repeated
value. Strings stay dictionary-encoded while they are measured, and the budget counts what rows really hold.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ml.contract.outcome import StepRefused
from ml.data.columns import name_columns
from ml.data.records import MAX_RECORD, TOO_LONG, UNDECODABLE, Record
from ml.data.source import Source, default_cap

MAX_FOOTER = 16 << 20
BATCH_ROWS = 4096
SLICE_BYTES = 8 << 20
SAMPLE_GROUP_BYTES = 256 << 20


@dataclass(frozen=True)
class ParquetTable:
    """``fields`` are the names in the file; ``columns`` the names the product uses, in the same order."""

    source: Source
    fields: tuple[str, ...]
    columns: tuple[str, ...]
    warnings: tuple[str, ...]
    rows: int
    cap: int

    @property
    def facts(self) -> Mapping[str, object]:
        return {"format": "parquet", "encoding": "utf-8", "compression": "none", "dialect": {}}

    def records(self, wanted: frozenset[str]) -> Iterator[Record]:
        """All columns stand in a record, but only the wanted ones are read."""
        places = [index for index, name in enumerate(self.columns) if name in wanted]
        try:
            yield from self._records(places)
        except pa.ArrowMemoryError as error:
            raise _bomb(self.cap) from error
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from error

    def sample(self) -> Iterator[Record]:
        """The first rows, unless the footer says that reaching them means unpacking a lot."""
        try:
            with _open(self.source, []) as file:
                group = file.metadata.row_group(0).total_byte_size if file.metadata.num_row_groups else 0
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from error
        return iter(()) if group > SAMPLE_GROUP_BYTES else self.records(frozenset(self.columns))

    def _records(self, places: list[int]) -> Iterator[Record]:
        width, number, decoded = len(self.columns), 0, 0
        with _open(self.source, [self.fields[place] for place in places]) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=[self.fields[place] for place in places]):
                for piece in _slices(batch):
                    decoded += _held_bytes(piece)
                    if decoded > self.cap:
                        raise _bomb(self.cap)
                    columns = [_texts(piece.column(self.fields[place])) for place in places]
                    for values in zip(*columns, strict=True):
                        number += 1
                        yield _record(number, width, places, values)
                self.source.position = self.source.size * number // max(1, self.rows)


def _record(number: int, width: int, places: list[int], values: Sequence[str | bytes | None]) -> Record:
    row: list[str | None] = [None] * width
    reason = ""
    for place, value in zip(places, values, strict=True):
        if isinstance(value, bytes):
            reason = UNDECODABLE
        elif value is not None and len(value) > MAX_RECORD:
            reason = TOO_LONG
        else:
            row[place] = value
    raw = (json.dumps([str(value)[:500] for value in values], ensure_ascii=True).encode(),) if reason else ()
    return Record(number, None, None, None if reason else row, reason, raw or _Lazy(values))


class _Lazy(Sequence[bytes]):
    """The raw form of a row that is most likely never asked for."""

    def __init__(self, values: Sequence[object]) -> None:
        self._values = values

    def __getitem__(self, index: Any) -> Any:
        return [json.dumps([str(value)[:500] for value in self._values]).encode()][index]

    def __len__(self) -> int:
        return 1


def understand(source: Source, cap: int | None = None) -> ParquetTable:
    _check_ends(source)
    try:
        with _open(source, []) as file:
            schema, metadata = file.schema_arrow, file.metadata
    except (pa.ArrowException, OSError) as error:
        raise _damaged(error) from error
    flat = [field for field in schema if _readable(field.type)]
    nested = [field.name for field in schema if not _readable(field.type)]
    columns, warnings = name_columns([field.name for field in flat])
    if nested:
        listed = ", ".join(f"{name} ({schema.field(name).type})" for name in dict.fromkeys(nested))[:500]
        warnings += (f"Columns of a type that is not read were left out: {listed}.",)
    names = tuple(field.name for field in flat)
    if len(set(schema.names)) != len(schema.names):
        raise StepRefused("The Parquet file has two columns of one name.", "Give every column its own name.")
    return ParquetTable(source, names, columns, warnings, metadata.num_rows, cap or default_cap(source.size))


def _open(source: Source, dictionary: list[str]) -> pq.ParquetFile:
    return pq.ParquetFile(
        source.path,
        read_dictionary=dictionary,
        pre_buffer=False,
        buffer_size=1 << 20,
        thrift_string_size_limit=MAX_FOOTER,
        thrift_container_size_limit=1_000_000,
    )


def _check_ends(source: Source) -> None:
    with source.path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, source.size - 8))
        tail = file.read(8)
    if head == b"PARE" or tail[4:] == b"PARE":
        raise StepRefused("The Parquet file is encrypted.", "Write it without encryption.")
    if source.size < 12 or tail[4:] != b"PAR1":
        raise StepRefused(
            "The Parquet file is cut off: its footer is missing.", "Upload the whole file again."
        )
    if int.from_bytes(tail[:4], "little") > MAX_FOOTER:
        raise StepRefused(
            "The Parquet file's footer is larger than 16 MiB.", "Write it with fewer row groups."
        )


def _readable(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_null(kind)
    )


def _held_bytes(piece: pa.RecordBatch) -> int:
    return int(sum(pc.sum(_lengths(column)).as_py() or 0 for column in piece.columns))


def _lengths(column: pa.Array) -> pa.Array:
    """Bytes each row of a column decodes to, without decoding it."""
    if pa.types.is_dictionary(column.type):
        return _lengths(column.dictionary).take(column.indices)
    kind = column.type
    if pa.types.is_null(kind) or not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    ):
        return pa.repeat(pa.scalar(8, pa.int64()), len(column))
    return pc.binary_length(column).cast(pa.int64())


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in parts that hold about :data:`SLICE_BYTES` each once they are text."""
    if not len(batch):
        return
    total = _held_bytes(batch)
    parts = min(len(batch), max(1, total // SLICE_BYTES))
    step = -(-len(batch) // parts)
    for start in range(0, len(batch), step):
        yield batch.slice(start, step)


def _texts(column: pa.Array) -> list[str | bytes | None]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary.take(column.indices)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [None if value is None else _decoded(value) for value in column.to_pylist()]
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return [_as_text(value) for value in column.to_pylist()]


def _decoded(value: bytes) -> str | bytes:
    # Parquet does not check that a string column is UTF-8.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _as_text(value: Any) -> str | None:
    if value is None or value != value:  # NaN is pandas' missing value
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # pandas turns a column of integers into floats where one is missing
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _bomb(cap: int) -> StepRefused:
    return StepRefused(
        f"The Parquet file decodes to more than {cap:,} bytes.", "Send the reviews in several smaller files."
    )


def _damaged(error: Exception) -> StepRefused:
    return StepRefused(
        f"The Parquet file cannot be read: {str(error)[:300]}.", "Write it again, without encryption."
    )
