"""Features as TFRecord files, in the form that the labs' scripts read, written without TensorFlow.

Two published formats, one in the other. A TFRecord is a length, the length's checksum, the record, the
record's checksum; each checksum is a CRC-32C, rotated and shifted so that a checksum over a file that holds
checksums means something. A record is a ``tf.train.Example``: a protobuf map from a key to a list of
integers. Fields and varints are written by hand here: it is little, and its readers check it.

Rows are padded to the limit, as the labs did. ``segment_ids`` are 0 throughout: training gives the encoder
one segment, so a second one would tell a reader of these files what no model of ours was told.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from ml.contract.faults import faultpoint

KEYS = ("input_ids", "input_mask", "segment_ids", "label_ids")
BATCH_ROWS = 4096
MASK_DELTA = 0xA282EAD8
Checksums = npt.NDArray[np.uint32]


def write_tfrecord(source: Path, target: Path, limit: int, pad_id: int) -> int:
    """One Parquet file of tokenized features becomes one file of records; answers how many."""
    rows = 0
    with pq.ParquetFile(source) as file, target.open("wb") as out:
        for batch in file.iter_batches(BATCH_ROWS, columns=["input_ids", "label_id"]):
            ids, labels = batch.column("input_ids").to_pylist(), batch.column("label_id").to_pylist()
            pairs = zip(ids, labels, strict=True)
            faultpoint("tfrecord.write")
            write_records(out, [example(row, label, limit, pad_id) for row, label in pairs])
            rows += len(ids)
    return rows


def example(ids: Sequence[int], label: int, limit: int, pad_id: int) -> bytes:
    """A serialized ``tf.train.Example``, its keys in the labs' order, so that equal rows are equal bytes."""
    read = len(ids)
    values = {
        "input_ids": _varints([*ids, *[pad_id] * (limit - read)]),
        "input_mask": b"\x01" * read + b"\x00" * (limit - read),
        "segment_ids": b"\x00" * limit,
        "label_ids": varint(label),
    }
    entries = (_field(1, _entry(key, values[key])) for key in KEYS)
    return _field(1, b"".join(entries))


def _entry(key: str, packed: bytes) -> bytes:
    """A map's entry: the key, and a Feature that holds an Int64List of packed values."""
    return _field(1, key.encode()) + _field(2, _field(3, _field(1, packed)))


def _field(number: int, content: bytes) -> bytes:
    """A field of wire type 2: its tag, the length, the content."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


_SMALL = [varint(value) for value in range(1 << 7)]


def _varints(values: Sequence[int]) -> bytes:
    return b"".join(_SMALL[value] if value < 1 << 7 else varint(value) for value in values)


def write_records(out: BinaryIO, records: Sequence[bytes]) -> None:
    lengths = [struct.pack("<Q", len(record)) for record in records]
    sums = zip(masked(crc32c(lengths)), masked(crc32c(records)), strict=True)
    for length, record, (of_length, of_record) in zip(lengths, records, sums, strict=True):
        out.write(length + struct.pack("<I", of_length) + record + struct.pack("<I", of_record))


def masked(sums: Checksums) -> list[int]:
    wide = sums.astype(np.uint64)
    rotated = (wide >> np.uint64(15) | wide << np.uint64(17)) & np.uint64(0xFFFFFFFF)
    return [int(each) for each in (rotated + np.uint64(MASK_DELTA)) & np.uint64(0xFFFFFFFF)]


def crc32c(records: Sequence[bytes]) -> Checksums:
    """The checksum of each, all of them a byte at a time together: 100 times as fast as one after the other.

    Longest first, those that still have a byte at a place are a part from the start.
    """
    order = np.argsort([-len(record) for record in records], kind="stable")
    lengths = np.array([len(records[index]) for index in order], np.int64)
    flat = np.frombuffer(b"".join(records[index] for index in order) + b"\x00", np.uint8)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    sums = np.full(len(records), 0xFFFFFFFF, np.uint32)
    for place, going in _still_going(lengths):
        part = sums[:going]
        mixed = (part ^ flat[starts[:going] + place]) & np.uint32(0xFF)
        sums[:going] = _TABLE[mixed] ^ part >> np.uint32(8)
    found = np.empty_like(sums)
    found[order] = ~sums
    return found


def _still_going(lengths: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Each place with how many records reach it; ``lengths`` fall."""
    for place in range(int(lengths[0]) if len(lengths) else 0):
        yield place, int(np.searchsorted(-lengths, -place, side="left"))


def _table() -> Checksums:
    """Castagnoli's polynomial, its bits reversed."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & np.uint32(1), values >> np.uint32(1) ^ np.uint32(0x82F63B78), values >> 1)
    return values.astype(np.uint32)


_TABLE = _table()
