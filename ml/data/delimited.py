"""Records of CSV and TSV, one bad quotation mark costing one line and never the rest of the file.

Python's csv module in strict mode parses; what it can't see is watched here: how long a record has grown,
where it began, and how to go on after a fault. The line a fault began on is rejected and reading resumes
on the line after it.
"""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ml.contract.outcome import StepRefused
from ml.data.encoding import Encoding, line_codec
from ml.data.lines import Line
from ml.data.records import MAX_RECORD, QUOTING, RAGGED, TOO_LONG, UNDECODABLE

# Each fault re-reads the lines after it. Past this many bytes the file is not worth the time.
REREAD_BUDGET = 256 << 20


@dataclass(frozen=True)
class Dialect:
    """``skip`` counts the physical lines before the header: a preamble, or ``sep=;``."""

    delimiter: str
    skip: int = 0
    skip_initial_space: bool = False

    def facts(self) -> dict[str, object]:
        return {"delimiter": self.delimiter, "quote": '"', "preamble_lines": self.skip}


class Cells(NamedTuple):
    """One record before its width is checked. ``cells`` is None when quoting or length is at fault."""

    line: int
    offset: int
    cells: list[str] | None
    reason: str
    raw: list[bytes]


class _TooLong(Exception):
    pass


class CellReader:
    """Walks lines and yields records. ``partial`` says that the lines are a cut-off sample."""

    def __init__(
        self,
        lines: Iterator[Line],
        encoding: Encoding,
        dialect: Dialect,
        limit: int = MAX_RECORD,
        partial: bool = False,
    ) -> None:
        self._lines = lines
        self._codec, self._errors = line_codec(encoding)
        self._dialect = dialect
        self._limit = limit
        self._partial = partial
        self._backlog: deque[Line] = deque()
        self._pending: list[Line] = []
        self._reread = 0

    def __iter__(self) -> Iterator[Cells]:
        # csv's own limit is process-wide and lower than ours; ours is checked in _feed.
        csv.field_size_limit(2 * MAX_RECORD)
        line = 1
        rows = self._reader()
        while True:
            self._pending.clear()
            try:
                cells = next(rows, None)
                fault = ""
            except (csv.Error, _TooLong) as error:
                if self._partial and not self._backlog and "unexpected end" in str(error):
                    return
                cells, fault = None, self._recover(error, line)
                rows = self._reader()
            if cells is None and not fault:
                return
            taken = self._pending
            if cells or fault:
                yield self._cells(line, cells, fault)
            line += len(taken)

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(
            self._feed(),
            delimiter=self._dialect.delimiter,
            skipinitialspace=self._dialect.skip_initial_space,
            strict=True,
        )

    def _feed(self) -> Iterator[str]:
        pending, backlog, codec, errors = self._pending, self._backlog, self._codec, self._errors
        while True:
            item = backlog.popleft() if backlog else next(self._lines, None)
            if item is None:
                return
            pending.append(item)
            if len(pending) == 1:
                size = 0
            size += len(item[1])
            if size > self._limit:
                raise _TooLong
            yield item[1].decode(codec, errors)

    def _recover(self, error: Exception, line: int) -> str:
        """Keep the first line of the failed record as the reject, give the others back."""
        self._reread += sum(len(raw) for _, raw in self._pending)
        if self._reread > REREAD_BUDGET:
            raise StepRefused(
                f"The quotation marks are broken from line {line:,} on.",
                "Export the file again with every quotation mark inside a text doubled.",
            ) from error
        alone = len(self._pending) == 1
        self._backlog.extendleft(reversed(self._pending[1:]))
        del self._pending[1:]
        return TOO_LONG if alone and isinstance(error, _TooLong) else QUOTING

    def _cells(self, line: int, cells: list[str] | None, fault: str) -> Cells:
        raw = [raw for _, raw in self._pending]
        # In cp1252 five bytes mean nothing; U+FFFD can come from nowhere else.
        if cells and self._codec == "cp1252" and any("\ufffd" in cell for cell in cells):
            cells, fault = None, UNDECODABLE
        return Cells(line, self._pending[0][0], cells, fault, raw)


def fits(cells: list[str] | None, width: int, fault: str) -> tuple[list[str] | None, str]:
    """The cells if there are as many as columns, else the reason for the reject."""
    if cells is None:
        return None, fault
    return (cells, "") if len(cells) == width else (None, RAGGED)
