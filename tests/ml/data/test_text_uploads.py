"""Encodings, dialects and broken quoting: what a spreadsheet, an export or a hand may have written."""

import csv
import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from ml.contract.outcome import StepRefused
from ml.data.peek import peek
from tests.ml.data.reading import import_bytes

TEXTS = ["Très beau, déjà porté", "Übergröße – naïve façade", "€ 20 “too much”", "plain"]


def table(delimiter: str = ",", ends: str = "\n") -> str:
    lines = [delimiter.join(("id", "text", "rating"))]
    lines += [delimiter.join((f"00{n}", f'"{text}"', str(n % 5 + 1))) for n, text in enumerate(TEXTS)]
    return ends.join(lines) + ends


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8 with byte order mark"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16-le with byte order mark"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_every_encoding_gives_the_same_rows_and_is_recorded(
    tmp_path: Path, encoding: str, label: str
) -> None:
    imported = import_bytes(tmp_path, table().encode(encoding))
    assert [row["text"] for row in imported.rows] == TEXTS
    assert [row["review_id"] for row in imported.rows] == ["000", "001", "002", "003"]
    assert imported.version["encoding"] == label
    warned = any("cp1252" in warning for warning in imported.version["warnings"])
    assert warned == (encoding == "cp1252")


def test_one_late_accent_decides_the_whole_file(tmp_path: Path) -> None:
    body = "".join(f"plain words number {n},{n % 5 + 1}\n" for n in range(100_000))
    content = ("text,rating\n" + body).encode() + "d\u00e9j\u00e0 vu,1\n".encode("cp1252")
    imported = import_bytes(tmp_path, content)
    assert imported.version["encoding"] == "cp1252"
    assert imported.rows[-1]["text"] == "déjà vu"
    assert len(imported.rows) == 100_001
    # The first look sees one MiB only and says so by its nature; the import is what counts.
    assert peek(tmp_path / "upload", "reviews.csv").encoding == "utf-8"


def test_bytes_that_cp1252_does_not_know_cost_their_row(tmp_path: Path) -> None:
    imported = import_bytes(tmp_path, b"text,rating\ngood \xe9,5\nbad \x81,1\nfine,1\n")
    assert [row["row"] for row in imported.rows] == [1, 3]
    assert imported.rejects[0]["reason"] == "characters that cannot be decoded"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, ends: str) -> None:
    imported = import_bytes(tmp_path, table(delimiter, ends).encode())
    assert imported.version["dialect"]["delimiter"] == delimiter
    assert [row["text"] for row in imported.rows] == TEXTS


def test_mixed_line_ends_and_embedded_newlines(tmp_path: Path) -> None:
    content = b'text,rating\r\n"one\r\ntwo\nthree\rfour",5\n"five",1\rsix,2\r\n\r\nseven,3\n'
    imported = import_bytes(tmp_path, content)
    assert [row["text"] for row in imported.rows] == ["one\r\ntwo\nthree\rfour", "five", "six", "seven"]


def test_separator_line_and_preamble(tmp_path: Path) -> None:
    imported = import_bytes(tmp_path, b"sep=;\ntext;rating;id\na, b;5;x\nc;1;y\n")
    assert [row["text"] for row in imported.rows] == ["a, b", "c"]
    (tmp_path / "two").mkdir()
    preamble = b"Export of 2024-05-01\n\nShop: North\nid,text,rating\n1,fine,4\n2,bad,1\nx,,\n"
    again = import_bytes(tmp_path / "two", preamble)
    assert again.version["columns"] == ["id", "text", "rating"]
    assert again.version["dialect"]["preamble_lines"] == 3
    assert again.rejects[0]["line"] == 7
    assert again.rejects[0]["byte_offset"] == preamble.index(b"x,,")


def test_ragged_rows_are_rejected_by_number(tmp_path: Path) -> None:
    imported = import_bytes(tmp_path, b"id,text,rating\n1,a,5\n2,b\n3,c,1\n4,d,1,extra\n5,e,3\n")
    assert [(r["row"], r["line"], r["reason"]) for r in imported.rejects] == [
        (2, 3, "wrong number of columns"),
        (4, 5, "wrong number of columns"),
    ]
    assert imported.rejects[1]["raw"] == "4,d,1,extra"
    assert [row["row"] for row in imported.rows] == [1, 3, 5]


def test_an_unclosed_quote_costs_one_line_of_a_million(tmp_path: Path) -> None:
    body = b"".join(b"some words,%d\n" % (n % 5 + 1) for n in range(1_000_000))
    imported_version = import_bytes(tmp_path, b'text,rating\n"never closed,5\n' + body).version
    assert (imported_version["rows"], imported_version["rejected"]) == (1_000_000, 1)
    assert any("line 2" in warning for warning in imported_version["warnings"])


def test_an_unclosed_quote_at_the_end_and_one_before_good_quotes(tmp_path: Path) -> None:
    content = b'id,text,rating\n1,"open,5\n2,"fine",4\n3,"bad",1\n4,"open again,5\n'
    imported = import_bytes(tmp_path, content)
    assert [row["review_id"] for row in imported.rows] == ["2", "3"]
    assert [(r["row"], r["line"]) for r in imported.rejects] == [(1, 2), (4, 5)]


def test_a_cell_of_a_million_characters_passes_and_a_longer_record_does_not(tmp_path: Path) -> None:
    content = b"text,rating\n" + b"a" * 1_000_000 + b",5\n" + b"b" * 3_000_000 + b",5\nshort,1\n"
    imported = import_bytes(tmp_path, content)
    assert [len(row["text"]) for row in imported.rows] == [1_000_000, 5]
    assert "longer than 1,048,576 bytes" in imported.rejects[0]["reason"]
    assert len(imported.rejects[0]["raw"]) == 2000


def test_broken_quotes_without_end_do_not_cost_hours(tmp_path: Path) -> None:
    # Each line opens a quote that half a MiB later turns out not to be closed: re-reading is bounded.
    block = b'"a""\n' + b"x" * 400_000 + b'\n"b"c\n'
    with pytest.raises(StepRefused, match="quotation marks are broken from line"):
        import_bytes(tmp_path, b"text,rating\nx,1\ny,5\n" + block * 1200)


def test_nul_and_half_characters_are_cleaned_and_counted(tmp_path: Path) -> None:
    imported = import_bytes(tmp_path, b"text,rating\nni\x00ce,5\n\x00,3\nbad,1\n")
    assert [row["text"] for row in imported.rows] == ["nice", "bad"]
    assert any("NUL" in warning for warning in imported.version["warnings"])
    (tmp_path / "wide").mkdir()
    wide = "text,rating\nhalf \ud83d one,5\nbad \U0001f600,1\n".encode("utf-16-le", "surrogatepass")
    again = import_bytes(tmp_path / "wide", b"\xff\xfe" + wide)
    assert [row["text"] for row in again.rows] == ["half \ufffd one", "bad \U0001f600"]
    assert any("surrogates" in warning for warning in again.version["warnings"])


def test_ids_stay_exact_and_na_is_text(tmp_path: Path) -> None:
    content = b"id,text,rating\n007,NA,5\n9223372036854775809,null,1\n1e5,None,4.0\n"
    imported = import_bytes(tmp_path, content)
    assert [row["review_id"] for row in imported.rows] == ["007", "9223372036854775809", "1e5"]
    assert [row["text"] for row in imported.rows] == ["NA", "null", "None"]
    assert imported.rows[2]["rating"] == 4


def test_headers_get_deterministic_names(tmp_path: Path) -> None:
    imported = import_bytes(tmp_path, b",Text,text,,Text,rating\n0,a,b,c,d,5\n1,e,f,g,h,1\n")
    assert imported.version["columns"] == ["column_1", "Text", "text_2", "column_4", "Text_3", "rating"]
    assert len([w for w in imported.version["warnings"] if "olumns" in w]) == 2
    assert imported.rows[0]["text"] == "a"


def test_emoji_and_right_to_left_round_trip(tmp_path: Path) -> None:
    texts = ["👩‍👩‍👧 love", "\u202eabc\u202c", "مقاس صغير", "a\u2028b\x0cc\x85d"]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["text", "rating"], *[[text, n + 1] for n, text in enumerate(texts)]])
    assert [row["text"] for row in import_bytes(tmp_path, buffer.getvalue().encode()).rows] == texts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "only a byte order mark"),
        (b"\n\n \n", "only blank lines"),
        (b"text,rating\n", "header .* but no rows"),
        (b"PK\x03\x04rest of an archive", "zip archive or an Excel workbook"),
        (b"%PDF-1.7 and so on", "a PDF"),
        (bytes(range(256)) * 8, "binary file"),
        (b'[{"text": "a"}]', "one JSON array"),
        (gzip.compress(gzip.compress(b"text,rating\na,5\n", mtime=0), mtime=0), "compressed twice"),
    ],
)
def test_what_it_is_not_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(StepRefused, match=message):
        import_bytes(tmp_path, content)
    with pytest.raises(StepRefused, match=message) as refused:
        peek(tmp_path / "upload", "reviews.csv")
    assert refused.value.advice


def test_compression_is_found_by_content(tmp_path: Path) -> None:
    plain = table().encode()
    results = []
    for number, packed in enumerate((plain, gzip.compress(plain), zstandard.compress(plain))):
        directory = tmp_path / str(number)
        directory.mkdir()
        results.append(import_bytes(directory, packed, "reviews.txt"))
    assert [r.version["compression"] for r in results] == ["none", "gzip", "zstd"]
    assert len({r.version["content_sha256"] for r in results}) == 1
    assert len({r.version["source"]["sha256"] for r in results}) == 3


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_bombs_and_cut_off_archives_are_stopped(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    bomb = pack(b"text,rating\n" + b"a" * 60_000_000)
    with pytest.raises(StepRefused, match="unpacks to more than 50,000,000 bytes"):
        import_bytes(tmp_path, bomb, cap=50_000_000)
    (tmp_path / "cut").mkdir()
    noise = "".join(f"{hash((n, 'x'))},{n % 5 + 1}\n" for n in range(5000))
    with pytest.raises(StepRefused, match="damaged or cut off"):
        import_bytes(tmp_path / "cut", pack(b"text,rating\n" + noise.encode())[:-20])


def test_the_same_file_twice_is_the_same_version(tmp_path: Path) -> None:
    shas = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shas.add(import_bytes(tmp_path / name, table().encode()).version["content_sha256"])
    assert len(shas) == 1


def test_reading_needs_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, ml.data.peek, ml.data.importing\n"
        "sys.exit(bool({'torch', 'pandas', 'sklearn', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
