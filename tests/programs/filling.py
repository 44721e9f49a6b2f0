"""Rows for every table there is, made up from its columns: what a migration must not lose."""

import re
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

from app.core.database import UtcDateTime

ROWS = 3
ALLOWED = re.compile(r"(\w+) IN \('([^']+)'")  # a column's first word of those that a check allows


def fill(engine: Engine, metadata: MetaData) -> None:
    """Parents before their children. Each row refers to the parent of its own number."""
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            rows = [_row(table, number) for number in range(1, ROWS + 1)]
            connection.execute(table.insert(), rows)


def _row(table: Table, number: int) -> dict[str, Any]:
    checks = [str(each.sqltext) for each in table.constraints if isinstance(each, CheckConstraint)]
    words = {name: word for check in checks for name, word in ALLOWED.findall(check)}
    row = {column.name: words.get(column.name) or _value(column, number) for column in table.columns}
    # Checks that bind two columns speak of those that may be empty.
    unsaid = [name for name in row if any("IS NOT NULL" in check and name in check for check in checks)]
    return row | {name: None for name in unsaid if table.columns[name].nullable}


def _value(column: Column[Any], number: int) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        return _value(key.column, number)
    return _of_type(column.type, f"{column.table.name}-{column.name}-{number}", number)


def _of_type(kind: TypeEngine[Any], name: str, number: int) -> Any:
    match kind:
        case UtcDateTime():
            return datetime(2026, 1, number, tzinfo=UTC)
        case Date():
            return date(2026, 1, number)
        case JSON():
            return {"number": number}
        case Boolean():
            return bool(number % 2)
        case Integer():
            return number
        case Float():
            return number / 2
        case String():
            return name[-kind.length :] if kind.length else name
    raise AssertionError(f"no value for {kind!r}")
