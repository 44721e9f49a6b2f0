"""From a stored upload to a table: what the file is, decided by its content."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from ml.contract.outcome import StepRefused
from ml.data import delimited_table, jsonl, parquet
from ml.data.apart import first_rows_apart
from ml.data.encoding import Encoding, decide_encoding, guess_encoding
from ml.data.lines import Line, split_lines
from ml.data.parquet import ParquetTable
from ml.data.records import MAX_RECORD, Record, Table
from ml.data.source import FORMATS, Source, refuse_foreign

HEAD = 1 << 20
SAMPLE_ROWS = 200
SAMPLE_RECORD_LIMIT = 1 << 17


@dataclass(frozen=True)
class Opened:
    """``sample`` are the first good rows: what a mapping is guessed from and a page shows."""

    table: Table
    sample: tuple[tuple[str | None, ...], ...]


def glance(path: Path, filename: str) -> Opened:
    """Understand an upload from its first MiB. The encoding may still turn out to be another one."""
    source = Source(path)
    head = _head(source, filename)
    if _is_parquet(head):
        table = _parquet(source)
        return Opened(table, first_rows_apart(path, SAMPLE_ROWS))
    return _open_text(source, guess_encoding(head, len(head) < HEAD), head)


def open_upload(path: Path, filename: str, cap: int | None, between: Callable[[Source], None]) -> Opened:
    """Understand an upload for good, from every byte of it."""
    source = Source(path, cap)
    head = _head(source, filename)
    if _is_parquet(head):
        table = _parquet(source, cap)
        return Opened(table, _good_rows(table.sample()))
    return _open_text(source, decide_encoding(source, lambda: between(source)), head)


def _head(source: Source, filename: str) -> bytes:
    if source.size == 0:
        raise StepRefused("The file is empty.", "Choose the file again; perhaps its export failed.")
    head = source.head(HEAD)
    refuse_foreign(head)
    if head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        raise StepRefused("The file is compressed twice.", "Compress it once only.")
    if _is_parquet(head):
        if source.compression != "none":
            raise StepRefused(
                "The Parquet file is compressed once more.", "Upload the Parquet file as it is."
            )
        return head
    if _suffix(filename) in {".parquet", ".pq"}:
        raise StepRefused(
            "The file is named Parquet, but its content is something else.",
            "Upload the real Parquet file, or give the file the ending of what it is.",
        )
    return head


def _suffix(filename: str) -> str:
    name = PurePosixPath(filename.lower())
    return PurePosixPath(name.stem).suffix if name.suffix in {".gz", ".zst", ".zstd"} else name.suffix


def _is_parquet(head: bytes) -> bool:
    return head.startswith((b"PAR1", b"PARE"))


def _parquet(source: Source, cap: int | None = None) -> ParquetTable:
    table = parquet.understand(source, cap)
    if not table.rows:
        raise StepRefused("The file names columns but holds no rows.", "Export the reviews again.")
    return table


def _open_text(source: Source, encoding: Encoding, head: bytes) -> Opened:
    text = head[encoding.bom :]
    partial = len(head) == HEAD
    if not text.strip(b"\x00\r\n\t "):
        what = (
            "only a byte order mark"
            if encoding.bom and not text
            else "only blank lines"
            if head
            else "nothing"
        )
        raise StepRefused(f"The file holds {what}.", "Choose the file again; perhaps its export failed.")
    lines = _lines(text, encoding, partial)
    first = next((raw for _, raw in lines if raw.strip()), b"")
    if first.lstrip().startswith(b"["):
        _refuse_json_array(first)
    if first.lstrip().startswith(b"{") and any(jsonl.looks_like_json(raw, encoding) for _, raw in lines[:20]):
        return _open_json_lines(source, encoding, lines)
    return _open_delimited(source, encoding, lines, partial)


def _lines(text: bytes, encoding: Encoding, partial: bool) -> list[Line]:
    if encoding.name.startswith("utf-16"):
        whole = text[: len(text) // 2 * 2]
        text = whole.decode(encoding.name, "surrogatepass" if not partial else "ignore").encode(
            "utf-8", "surrogatepass"
        )
    lines = list(split_lines([text], MAX_RECORD, encoding.bom))
    # The last line of a cut-off sample may miss its end, or half a character.
    return lines[:-1] if partial and len(lines) > 1 else lines


def _open_json_lines(source: Source, encoding: Encoding, lines: list[Line]) -> Opened:
    table = jsonl.understand(source, encoding, lines)
    if not table.columns:
        raise StepRefused("No line holds a JSON object with keys.", "Write one object a line.")
    return Opened(table, _good_rows(table.sample(iter(lines))))


def _open_delimited(source: Source, encoding: Encoding, lines: list[Line], partial: bool) -> Opened:
    table = delimited_table.understand(source, encoding, lines, partial)
    rows = list(islice(table.sample(lines, partial, SAMPLE_RECORD_LIMIT), SAMPLE_ROWS))
    if not rows and not partial:
        raise StepRefused(
            f"The file holds a header ({', '.join(table.columns)[:200]}) but no rows.",
            "Export the reviews again.",
        )
    return Opened(table, _good_rows(iter(rows)))


def _good_rows(records: Iterator[Record]) -> tuple[tuple[str | None, ...], ...]:
    first = islice(records, SAMPLE_ROWS)
    return tuple(tuple(record.values) for record in first if record.values is not None)


def _refuse_json_array(first: bytes) -> None:
    """A JSON array is no JSON Lines; a CSV whose header starts with a bracket is let through."""
    rest = first.lstrip()[1:].lstrip()
    if not rest or rest.startswith((b"{", b"[")):
        raise StepRefused(
            "This is one JSON array. JSON Lines holds one object a line.",
            f"Write every review as an object on a line of its own. {FORMATS}",
        )
