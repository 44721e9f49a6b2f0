"""Rows in = rows kept + rows rejected, whatever the cells hold."""

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.contract.outcome import StepRefused
from ml.data.shards import ShardWriter
from tests.ml.data.reading import MAPPING, import_bytes

# Control characters in number make a file binary; those that stand in texts are drawn on purpose.
CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
    | st.sampled_from("\n\r\t\x0b\x0c\x1c\x85\x00"),
    max_size=40,
)
RATINGS = st.sampled_from(["1", "2", "3", "4", "5", "4.0", "", "x", "7", "nan"])
ROWS = st.lists(st.tuples(CELLS, CELLS, RATINGS), min_size=1, max_size=60)
# Two good rows, so that no example is refused as a whole.
GOOD = [("i", "fine words", "5"), ("j", "poor words", "1")]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_well_formed_rows_are_all_accounted_for(
    rows: list[tuple[str, str, str]], delimiter: str, ends: str
) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=ends, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "text", "rating"), *GOOD, *rows])
    with tempfile.TemporaryDirectory() as directory:
        imported = import_bytes(Path(directory), buffer.getvalue().encode(), mapping=MAPPING)
    assert imported.version["rows"] + imported.version["rejected"] == len(rows) + 2
    numbers = sorted(row["row"] for row in [*imported.rows, *imported.rejects])
    assert numbers == list(range(1, len(rows) + 3))
    kept = {row["row"]: row["text"] for row in imported.rows}
    for number, (_, text, _) in enumerate([*GOOD, *rows], start=1):
        if number in kept:
            assert kept[number] == text.replace("\x00", "")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400) | st.text('abc,;"\n\r\t{}[]:\\ué\x00', max_size=400).map(str.encode))
def test_any_bytes_end_in_a_version_or_a_refusal(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        try:
            imported = import_bytes(Path(directory), b"text,rating\na,5\nb,1\n" + content, mapping=MAPPING)
        except StepRefused:
            return
    assert imported.version["rows"] == len(imported.rows)
    assert imported.version["rejected"] == len(imported.rejects)
    numbers = sorted(row["row"] for row in [*imported.rows, *imported.rejects])
    assert numbers == list(range(1, len(numbers) + 1))


def test_shards_hold_their_number_of_rows(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from ml.data.canonical import Row

    writer = ShardWriter(tmp_path, shard_rows=25_000)
    for number in range(60_000):
        writer.add(Row(str(number), "t", None, 5, "1", None, None, number))
    assert len(set(writer.finish())) == 3
    assert [pq.read_metadata(path).num_rows for path in writer.paths] == [25_000, 25_000, 10_000]
