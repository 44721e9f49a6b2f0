"""A JSON Lines upload as a table. A bad line costs itself.

Numbers are kept as they are written, so an id of 2^63 + 1 stays exact. Nested values are read, but a
column made of them cannot be mapped.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ml.data.columns import name_columns
from ml.data.encoding import Encoding, line_codec, text_bytes
from ml.data.lines import Line, split_lines
from ml.data.records import (
    DUPLICATE_KEYS,
    MAX_RECORD,
    NOT_AN_OBJECT,
    NOT_FINITE,
    TOO_DEEP,
    TOO_LONG,
    Record,
)
from ml.data.source import Source


class _Bad(Exception):
    """Why a line is not taken."""


@dataclass(frozen=True)
class JsonLinesTable:
    source: Source
    encoding: Encoding
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def facts(self) -> Mapping[str, object]:
        return {
            "format": "jsonl",
            "encoding": self.encoding.label,
            "compression": self.source.compression,
            "dialect": {},
        }

    def records(self, wanted: frozenset[str]) -> Iterator[Record]:
        lines = split_lines(text_bytes(self.source, self.encoding), MAX_RECORD, self.encoding.bom)
        return self.sample(lines)

    def sample(self, lines: Iterator[Line]) -> Iterator[Record]:
        exact, number = not self.encoding.name.startswith("utf-16"), 0
        for line, (offset, raw) in enumerate(lines, start=1):
            if not raw.strip():
                continue
            number += 1
            values, reason = self._values(raw)
            yield Record(number, line, offset if exact else None, values, reason, (raw,))

    def _values(self, raw: bytes) -> tuple[list[str | None] | None, str]:
        try:
            found = parse_object(raw, self.encoding)
        except _Bad as bad:
            return None, str(bad)
        return [_as_text(found.get(key)) for key in self.keys], ""


def understand(source: Source, encoding: Encoding, lines: Sequence[Line]) -> JsonLinesTable:
    """The columns are the keys of the first lines, in the order in which they appear."""
    keys: dict[str, None] = {}
    for _, raw in lines:
        try:
            keys.update(dict.fromkeys(parse_object(raw, encoding)))
        except _Bad:
            continue
    columns, renamed = name_columns(list(keys))
    warnings = (encoding.warning,) if encoding.warning else ()
    return JsonLinesTable(source, encoding, tuple(keys), columns, warnings + renamed)


def looks_like_json(raw: bytes, encoding: Encoding) -> bool:
    """True for a line that is one JSON object, good or with a small fault inside."""
    try:
        parse_object(raw, encoding)
    except _Bad as bad:
        return str(bad) != NOT_AN_OBJECT
    return True


def parse_object(raw: bytes, encoding: Encoding) -> dict[str, object]:
    if len(raw) > MAX_RECORD:
        raise _Bad(TOO_LONG)
    try:
        found = json.loads(
            raw.decode(*line_codec(encoding)),
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique,
        )
    except RecursionError:
        raise _Bad(TOO_DEEP) from None
    except ValueError:
        raise _Bad(NOT_AN_OBJECT) from None
    if not isinstance(found, dict):
        raise _Bad(NOT_AN_OBJECT)
    return found


def _refuse_constant(_name: str) -> object:
    raise _Bad(NOT_FINITE)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Bad(DUPLICATE_KEYS)
    return found


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return None
