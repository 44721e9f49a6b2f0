"""What a reader yields: one record of the upload, with where it stands and what it says, all as strings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from ml.data.source import Source

# A record may be this long. It bounds memory, and an unclosed quote can swallow no more than this.
MAX_RECORD = 1 << 20
RAW_LIMIT = 2000

RAGGED = "wrong number of columns"
QUOTING = "a quotation mark that is not closed, or text behind a closing one"
TOO_LONG = f"record longer than {MAX_RECORD:,} bytes"
UNDECODABLE = "characters that cannot be decoded"
NOT_AN_OBJECT = "not a JSON object"
NOT_FINITE = "NaN or Infinity, which JSON does not have"
DUPLICATE_KEYS = "the same key twice"
TOO_DEEP = "nested too deeply"


class Record(NamedTuple):
    """``number`` counts records from 1, ``line`` physical lines from 1, ``offset`` decoded bytes from 0.

    ``values`` stand in the order of the table's columns, or are None when the record could not be read;
    ``reason`` then says why. ``raw`` is the record as it stands in the file.
    """

    number: int
    line: int | None
    offset: int | None
    values: Sequence[str | None] | None
    reason: str
    raw: Sequence[bytes]

    def raw_text(self) -> str:
        return b"".join(self.raw)[: RAW_LIMIT * 4].decode("utf-8", "replace").rstrip("\r\n")[:RAW_LIMIT]


class Table(Protocol):
    """An upload that was understood: columns, facts about it, and its records as often as wanted."""

    @property
    def source(self) -> Source: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    @property
    def facts(self) -> Mapping[str, object]: ...
    def records(self, wanted: frozenset[str]) -> Iterator[Record]: ...
