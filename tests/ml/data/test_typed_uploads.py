"""JSON Lines and Parquet uploads: what they hold beside text, and what must not get through."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.contract.outcome import StepRefused
from ml.data.peek import peek
from tests.ml.data.reading import Imported, import_bytes


def import_table(directory: Path, table: pa.Table, **options: object) -> Imported:
    pq.write_table(table, directory / "made", **options)
    return import_bytes(directory, (directory / "made").read_bytes(), "reviews.parquet")


def test_json_lines_with_bad_lines(tmp_path: Path) -> None:
    lines = [
        '{"id": 9223372036854775809, "text": "exact", "rating": 5}',
        "{broken",
        '{"id": 2, "text": "late", "rating": NaN}',
        '{"id": 3, "text": "one", "text": "two", "rating": 1}',
        '{"id": 4, "text": "deep", "rating": 1, "x": ' + "[" * 10_000 + "]" * 10_000 + "}",
        '{"id": 5, "text": "half \\ud83d", "rating": 1.0, "more": true}',
        "",
        "[1, 2]",
        '{"id": 6, "text": "nested rating", "rating": [5]}',
    ]
    imported = import_bytes(tmp_path, "\n".join(lines).encode(), "reviews.jsonl")
    assert [(row["review_id"], row["text"], row["rating"]) for row in imported.rows] == [
        ("9223372036854775809", "exact", 5),
        ("5", "half \ufffd", 1),
    ]
    assert [(r["row"], r["line"], r["reason"]) for r in imported.rejects] == [
        (2, 2, "not a JSON object"),
        (3, 3, "NaN or Infinity, which JSON does not have"),
        (4, 4, "the same key twice"),
        (5, 5, "nested too deeply"),
        (7, 8, "not a JSON object"),
        (8, 9, "no rating"),
    ]


def test_json_lines_columns_are_the_union_of_keys(tmp_path: Path) -> None:
    content = b'{"review_body": "a b", "stars": 5}\n{"review_body": "c d", "stars": 1, "review_title": "t"}\n'
    imported = import_bytes(tmp_path, content, "anything.bin")
    assert imported.version["columns"] == ["review_body", "stars", "review_title"]
    assert [row["title"] for row in imported.rows] == [None, "t"]


def test_parquet_with_the_usual_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "review_id": pa.array([7, 2**62, None], pa.int64()),
            "review_body": pa.array(["one", "two", "three"]).dictionary_encode(),
            "star_rating": pa.array([5.0, 1.0, float("nan")]),
            "review_date": pa.array([0, 86_400_000_000, None], pa.timestamp("us")),
        }
    )
    imported = import_table(tmp_path, table)
    assert [(r["review_id"], r["rating"]) for r in imported.rows] == [("7", 5), (str(2**62), 1)]
    assert imported.rows[1]["date"] == "1970-01-02T00:00:00"
    assert [(r["row"], r["line"], r["reason"]) for r in imported.rejects] == [(3, None, "no rating")]
    assert "three" in imported.rejects[0]["raw"]


def test_parquet_columns_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    good = {"text": ["a", "b"], "rating": [5, 1]}
    imported = import_table(tmp_path, pa.table({**good, "tags": [["x"], ["y"]]}))
    assert imported.version["columns"] == ["text", "rating"]
    assert any("tags (list<" in warning for warning in imported.version["warnings"])
    for name, column in (("nested", pa.array([["a"], ["b"]])), ("decimal", pa.array([Decimal("1.5")] * 2))):
        (tmp_path / name).mkdir()
        with pytest.raises(StepRefused, match="No column holds the text"):
            import_table(tmp_path / name, pa.table({"text": column, "rating": [5, 1]}))


def test_parquet_with_text_that_is_not_utf8_rejects_the_row(tmp_path: Path) -> None:
    text = pa.array([b"good", b"\xff\xfe", b"bad"], pa.binary())
    imported = import_table(tmp_path, pa.table({"text": text, "rating": [5, 4, 1]}))
    assert [r["row"] for r in imported.rejects] == [2]


def test_a_parquet_bomb_is_stopped_by_what_it_decodes_to(tmp_path: Path) -> None:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 500_000, pa.int32()), pa.array(["x" * 100_000]))
    rating = pa.DictionaryArray.from_arrays(pa.array([0] * 500_000, pa.int32()), pa.array([5]))
    pq.write_table(pa.table({"text": text, "rating": rating}), tmp_path / "bomb", compression="zstd")
    content = (tmp_path / "bomb").read_bytes()
    assert len(content) < 100_000
    with pytest.raises(StepRefused, match="decodes to more than"):
        import_bytes(tmp_path, content, "reviews.parquet")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[: len(content) // 2], "cut off"),
        (lambda content: content[:-4] + b"PARE", "encrypted"),
        (lambda content: b"text,rating\na,5\n", "named Parquet, but"),
        (lambda content: content[:4] + b"\x00" * (len(content) - 12) + content[-8:], "cannot be read"),
        (lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1", "footer is larger"),
    ],
)
def test_damaged_parquet_is_refused_at_the_first_look(tmp_path: Path, damage: object, message: str) -> None:
    assert callable(damage)
    pq.write_table(pa.table({"text": ["a", "b"], "rating": [5, 1]}), tmp_path / "good")
    (tmp_path / "upload").write_bytes(damage((tmp_path / "good").read_bytes()))
    with pytest.raises(StepRefused, match=message) as refused:
        peek(tmp_path / "upload", "reviews.parquet")
    assert refused.value.advice


def test_parquet_named_csv_is_read_as_what_it_is(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "rating": [5, 1]}), tmp_path / "upload")
    assert peek(tmp_path / "upload", "reviews.csv").format == "parquet"


def test_one_huge_page_harms_neither_the_look_nor_the_import(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array(["x" * 300_000_000]), "rating": [5]})
    options = {"use_dictionary": False, "write_statistics": False}
    pq.write_table(table, tmp_path / "upload", compression="zstd", **options)
    assert (tmp_path / "upload").stat().st_size < 1_000_000
    found = peek(tmp_path / "upload", "reviews.parquet")
    assert found.columns == ("text", "rating")
    assert found.mapping["text"] == "text"
    with pytest.raises(StepRefused, match="decodes to more than"):
        import_bytes(tmp_path, (tmp_path / "upload").read_bytes(), "reviews.parquet")


def test_the_first_rows_of_parquet_are_shown(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "rating": [5, 1]}), tmp_path / "upload")
    assert peek(tmp_path / "upload", "reviews.parquet").rows == (("a", "5"), ("b", "1"))
