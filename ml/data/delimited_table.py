"""A CSV or TSV upload as a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ml.contract.outcome import StepRefused
from ml.data.columns import name_columns
from ml.data.delimited import CellReader, Dialect, fits
from ml.data.dialect import find_dialect
from ml.data.encoding import Encoding, text_bytes
from ml.data.lines import Line, split_lines
from ml.data.records import MAX_RECORD, Record
from ml.data.source import Source


@dataclass(frozen=True)
class DelimitedTable:
    source: Source
    encoding: Encoding
    dialect: Dialect
    columns: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def facts(self) -> Mapping[str, object]:
        return {
            "format": "csv",
            "encoding": self.encoding.label,
            "compression": self.source.compression,
            "dialect": self.dialect.facts(),
        }

    def records(self, wanted: frozenset[str]) -> Iterator[Record]:
        return self._records(_lines(self.source, self.encoding), MAX_RECORD, partial=False)

    def sample(self, lines: Sequence[Line], partial: bool, limit: int) -> Iterator[Record]:
        return self._records(iter(lines), limit, partial)

    def _records(self, lines: Iterator[Line], limit: int, partial: bool) -> Iterator[Record]:
        width, exact = len(self.columns), not self.encoding.name.startswith("utf-16")
        skipped = self.dialect.skip
        rows = iter(CellReader(islice(lines, skipped, None), self.encoding, self.dialect, limit, partial))
        next(rows, None)  # the header
        for number, (line, offset, cells, fault, raw) in enumerate(rows, start=1):
            values, reason = fits(cells, width, fault)
            yield Record(number, line + skipped, offset if exact else None, values, reason, raw)


def understand(source: Source, encoding: Encoding, lines: Sequence[Line], partial: bool) -> DelimitedTable:
    """Find dialect and columns from the first lines; ``partial`` says that the file goes on."""
    dialect = find_dialect(lines, encoding, partial)
    header = next(iter(CellReader(iter(lines[dialect.skip :]), encoding, dialect, partial=partial)), None)
    if header is None or header.cells is None:
        raise StepRefused(
            "The first line cannot be read as a header of columns.",
            "The first line must name the columns, for example: text,rating.",
        )
    columns, renamed = name_columns(header.cells)
    warnings = tuple(text for text in (encoding.warning, _preamble_warning(dialect)) if text)
    return DelimitedTable(source, encoding, dialect, columns, warnings + renamed)


def _preamble_warning(dialect: Dialect) -> str | None:
    if not dialect.skip:
        return None
    return f"The header was found on line {dialect.skip + 1}; what stands before it was left out."


def _lines(source: Source, encoding: Encoding) -> Iterator[Line]:
    return split_lines(text_bytes(source, encoding), MAX_RECORD, encoding.bom)
