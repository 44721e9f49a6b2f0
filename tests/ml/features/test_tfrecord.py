"""Records are read back by others: google.protobuf, and a reader of the format written here, apart."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from ml.features.tfrecord import KEYS, crc32c, example, masked, varint, write_tfrecord

# RFC 3720, B.4, and the check value of every catalogue of CRCs.
KNOWN = {
    b"123456789": 0xE3069283,
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
    bytes(reversed(range(32))): 0x113FDB5C,
    b"": 0,
}


@pytest.mark.parametrize("value", KNOWN.values())
def test_the_checksum_gives_the_published_answers(value: int) -> None:
    [content] = [each for each, known in KNOWN.items() if known == value]
    assert int(crc32c([content])[0]) == value


def test_the_checksums_of_many_are_those_of_each() -> None:
    assert crc32c(list(KNOWN)).tolist() == list(KNOWN.values())
    assert crc32c([]).tolist() == []


def test_a_file_is_read_by_a_reader_of_the_published_format(tmp_path: Path) -> None:
    """Rows of every length, ids of one, two and three bytes, in more batches than one."""
    rows = [[50_264, 7, 200][: 1 + number % 3] for number in range(5_000)]
    labels = [number % 3 for number in range(5_000)]
    source, target = tmp_path / "train.parquet", tmp_path / "train.tfrecord"
    columns = {"input_ids": pa.array(rows, pa.list_(pa.uint16())), "label_id": pa.array(labels, pa.int32())}
    pq.write_table(pa.table({**columns, "text": ["unread"] * 5_000}), source)
    assert write_tfrecord(source, target, limit=4, pad_id=1) == 5_000
    read = [parsed(record) for record in records_of(target.read_bytes())]
    for found, ids, label in zip(read, rows, labels, strict=True):
        assert found == {
            "input_ids": [*ids, *[1] * (4 - len(ids))],
            "input_mask": [1] * len(ids) + [0] * (4 - len(ids)),
            "segment_ids": [0] * 4,
            "label_ids": [label],
        }


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    source, target = tmp_path / "a.parquet", tmp_path / "a.tfrecord"
    columns = {"input_ids": pa.array([[1, 2]], pa.list_(pa.int32())), "label_id": pa.array([0], pa.int32())}
    pq.write_table(pa.table(columns), source)
    write_tfrecord(source, target, limit=2, pad_id=0)
    content = bytearray(target.read_bytes())
    content[20] ^= 1
    with pytest.raises(AssertionError, match="checksum"):
        list(records_of(bytes(content)))


def test_keys_stand_in_the_labs_order_so_that_equal_rows_are_equal_bytes() -> None:
    record = example([3, 4], 2, limit=8, pad_id=0)
    places = [record.index(key.encode()) for key in KEYS]
    assert places == sorted(places)
    assert record == example([3, 4], 2, limit=8, pad_id=0)


@pytest.mark.parametrize(("value", "encoded"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02")])
def test_varints_as_the_protobuf_documentation_has_them(value: int, encoded: str) -> None:
    assert varint(value).hex() == encoded


def records_of(content: bytes) -> Iterator[bytes]:
    """Written from the format's description alone: one record after the other, each checksum compared."""
    place = 0
    while place < len(content):
        head = content[place : place + 8]
        (length, of_length) = struct.unpack("<QI", content[place : place + 12])
        record = content[place + 12 : place + 12 + length]
        (of_record,) = struct.unpack("<I", content[place + 12 + length : place + 16 + length])
        assert of_length == slow_masked(head), "the length's checksum"
        assert of_record == slow_masked(record), "the record's checksum"
        yield record
        place += 16 + length


def slow_masked(content: bytes) -> int:
    """Bit by bit, with no table."""
    register = 0xFFFFFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    register ^= 0xFFFFFFFF
    return ((register >> 15 | register << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_both_ways_to_mask_agree() -> None:
    assert masked(crc32c(list(KNOWN))) == [slow_masked(content) for content in KNOWN]


def parsed(record: bytes) -> dict[str, list[int]]:
    message = EXAMPLE()
    message.ParseFromString(record)
    features = message.features.feature
    return {key: list(features[key].int64_list.value) for key in features}


def _example_class() -> type:
    """``tf.train.Example`` as tensorflow/core/example/{example,feature}.proto declare it."""
    field, file = descriptor_pb2.FieldDescriptorProto, descriptor_pb2.FileDescriptorProto()
    file.name, file.package, file.syntax = "example.proto", "tensorflow", "proto3"

    def message(name: str, *fields: tuple[str, int, int, int, str]) -> descriptor_pb2.DescriptorProto:
        made = file.message_type.add(name=name)
        for named, number, label, kind, type_name in fields:
            made.field.add(name=named, number=number, label=label, type=kind, type_name=type_name or None)
        return made

    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    message("Int64List", ("value", 1, many, field.TYPE_INT64, ""))
    message("Feature", ("int64_list", 3, one, field.TYPE_MESSAGE, ".tensorflow.Int64List"))
    features = message(
        "Features", ("feature", 1, many, field.TYPE_MESSAGE, ".tensorflow.Features.FeatureEntry")
    )
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=one, type=field.TYPE_STRING)
    entry.field.add(
        name="value", number=2, label=one, type=field.TYPE_MESSAGE, type_name=".tensorflow.Feature"
    )
    message("Example", ("features", 1, one, field.TYPE_MESSAGE, ".tensorflow.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


EXAMPLE = _example_class()
