"""What a command prints: a table for people, JSON or CSV for programs."""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], Any]]


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def column(heading: str, *path: str) -> Column:
    """A column that shows the value at ``path`` of each row's JSON, empty where there is none."""
    return heading, lambda row: at(row, *path)


def at(value: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def interval(value: Any) -> str:
    """``0.712 (0.698–0.726)``: a figure never stands without its 95 % interval."""
    if not isinstance(value, Mapping) or value.get("value") is None:
        return ""
    text = f"{value['value']:.3f}"
    if value.get("low") is None or value.get("high") is None:
        return text
    return f"{text} ({value['low']:.3f}–{value['high']:.3f})"


def show_list(items: Sequence[Row], columns: Sequence[Column], output: Format, document: Any) -> None:
    """``document`` is the whole answer of the server, which ``-o json`` prints as it came."""
    if output is Format.JSON:
        print_json(document)
        return
    headings = [heading for heading, _ in columns]
    rows = [[_text(value(item)) for _, value in columns] for item in items]
    if output is Format.CSV:
        csv.writer(sys.stdout, lineterminator="\n").writerows([headings, *rows])
    else:
        _print_table([headings, *rows])


def show_one(item: Row, columns: Sequence[Column], output: Format) -> None:
    """One thing: a line for each property, or one CSV row under its headings."""
    if output is Format.TABLE:
        pairs = [[heading, _text(value(item))] for heading, value in columns]
        _print_table([pair for pair in pairs if pair[1]])
    else:
        show_list([item], columns, output, item)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cell) for cell in cells) for cells in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
