"""A list as data: the same rows that its page shows, as CSV or JSON, at the page's address plus an ending.

A page shows fifty rows; a file holds all that match, up to a limit that is told rather than passed over.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Generic, TypeVar

from fastapi.responses import JSONResponse, Response

from app.core.errors import Invalid
from app.core.pages import iso

Row = TypeVar("Row")

LIMIT = 100_000
# What a spreadsheet would take for a formula, in its plain and its full-width form.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


class TooManyRows(Invalid):
    title = "The list is too long for one file"


class Form(StrEnum):
    """The ending of the address: ``/runs.csv``."""

    CSV = "csv"
    JSON = "json"


class Column(Generic[Row]):
    """A field of the file; ``value`` reads it from what the query gave."""

    def __init__(self, name: str, value: Callable[[Row], object]) -> None:
        self.name = name
        self.value = value


def list_file(form: Form, name: str, columns: Sequence[Column[Row]], rows: Iterable[Row]) -> Response:
    """``rows`` may be a generator over pages. CSV comes as a download, JSON as ``{"items", "total"}``."""
    found = list(islice(rows, LIMIT + 1))
    if len(found) > LIMIT:
        raise TooManyRows(f"More than {LIMIT:,} rows match.", "Narrow the list by its filters.")
    if form is Form.JSON:
        items = [{column.name: _plain(column.value(row)) for column in columns} for row in found]
        return JSONResponse({"items": items, "total": len(items)})
    values = ([column.value(row) for column in columns] for row in found)
    return csv_file(name, [column.name for column in columns], values)


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download named ``name.csv``."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(as_csv(header, rows), media_type="text/csv; charset=utf-8", headers=headers)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """UTF-8 text that a spreadsheet opens without running anything of it."""
    return csv_lines([header]) + csv_lines(rows)


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """A piece of such a text, for a file that is sent as it is read."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue()


def harmless(value: object) -> object:
    """Numbers stay numbers. A text that begins like a formula gets an apostrophe in front."""
    value = _plain(value)
    if isinstance(value, str):
        clean = value.replace("\0", "")
        return f"'{clean}" if value.startswith(_FORMULA) else clean
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    return ";".join(str(each) for each in value) if isinstance(value, list) else value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value
