"""Delimiter, preamble and header of a delimited file, found by parsing a sample in each possible way."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from ml.data.delimited import CellReader, Cells, Dialect
from ml.data.encoding import Encoding, line_codec
from ml.data.lines import Line

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_RECORDS = 300
SAMPLE_RECORD_LIMIT = 1 << 17
MAX_PREAMBLE = 30
_SEP = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)


def find_dialect(lines: Sequence[Line], encoding: Encoding, partial: bool) -> Dialect:
    """The way of reading under which most records have the same number of columns."""
    declared = _declared(lines, encoding)
    if declared is not None:
        return Dialect(declared, skip=1 + _preamble(_sample(lines[1:], encoding, Dialect(declared), partial)))
    best = max(_candidates(lines), key=lambda dialect: _score(_sample(lines, encoding, dialect, partial)))
    skip = _preamble(_sample(lines, encoding, best, partial))
    return Dialect(best.delimiter, skip, best.skip_initial_space)


def _declared(lines: Sequence[Line], encoding: Encoding) -> str | None:
    """Excel's ``sep=;`` line says it outright."""
    if not lines:
        return None
    match = _SEP.match(lines[0][1].decode(*line_codec(encoding)))
    return match[1] if match else None


def _candidates(lines: Sequence[Line]) -> list[Dialect]:
    text = b"".join(raw for _, raw in lines[:200])
    found = []
    for delimiter in DELIMITERS:
        found.append(Dialect(delimiter))
        if f'{delimiter} "'.encode() in text:
            found.append(Dialect(delimiter, skip_initial_space=True))
    return found


def _sample(lines: Sequence[Line], encoding: Encoding, dialect: Dialect, partial: bool) -> list[Cells]:
    reader = CellReader(iter(lines), encoding, dialect, SAMPLE_RECORD_LIMIT, partial)
    return list(islice(reader, SAMPLE_RECORDS))


def _score(sample: list[Cells]) -> tuple[float, int]:
    width, share = _usual_width(sample)
    return (round(share, 2) if width > 1 else 0.0, width)


def _usual_width(sample: list[Cells]) -> tuple[int, float]:
    widths = Counter(len(record.cells) for record in sample if record.cells)
    if not widths:
        return 0, 0.0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return width, count / len(sample)


def _preamble(sample: list[Cells]) -> int:
    """Physical lines before the first record that could be the header.

    A line of a preamble has far fewer filled cells than the table has columns.
    """
    width, _ = _usual_width(sample)
    for record in sample[:MAX_PREAMBLE]:
        if record.cells and _could_be_header(record.cells, width):
            return record.line - 1
    return 0


def _could_be_header(cells: list[str], width: int) -> bool:
    if width < 3:
        return len(cells) >= width
    return sum(1 for cell in cells if cell.strip()) > width // 2
