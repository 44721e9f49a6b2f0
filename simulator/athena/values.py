"""Types and values as Athena writes them."""

import datetime
import math
import re
from decimal import Decimal
from typing import Any

TYPES = {
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",  # what DuckDB sums whole numbers to, and Athena to bigint
    "UTINYINT": "bigint",
    "USMALLINT": "bigint",
    "UINTEGER": "bigint",
    "UBIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "VARCHAR": "varchar",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "TIME": "time",
    "BLOB": "varbinary",
    "JSON": "json",
}
PRECISION = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "float": 17, "double": 17}
LONGEST = 2_147_483_647
HIVE = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "binary": "BLOB",
    "float": "FLOAT",
    **{name: name.upper() for name in ("tinyint", "smallint", "integer", "bigint", "double", "boolean")},
    **{name: name.upper() for name in ("date", "timestamp")},
}


def column_info(name: str, duckdb_type: str) -> dict[str, Any]:
    kind, precision, scale = athena_type(duckdb_type)
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind == "varchar",
    }


def athena_type(duckdb_type: str) -> tuple[str, int, int]:
    if duckdb_type.endswith("]"):
        return "array", 0, 0
    decimal = re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", duckdb_type)
    if decimal:
        return "decimal", int(decimal[1]), int(decimal[2])
    for start, kind in (("STRUCT", "row"), ("MAP", "map")):
        if duckdb_type.startswith(start):
            return kind, 0, 0
    kind = TYPES.get(duckdb_type, "varchar")
    return kind, LONGEST if kind == "varchar" else PRECISION.get(kind, 0), 0


def duckdb_type(hive: str) -> str:
    """A column's type in Glue, in DuckDB's words."""
    text = hive.strip().lower()
    if text in HIVE:
        return HIVE[text]
    if text.startswith(("decimal", "numeric")):
        return text.upper()
    if text.startswith(("varchar", "char")):
        return "VARCHAR"
    if text.startswith("array<"):
        return f"{duckdb_type(text[6:-1])}[]"
    raise ValueError(f"type '{hive}'")


def text_of(value: Any) -> str | None:
    """As GetQueryResults and the result file show a value."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "milliseconds")
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, list):
        return f"[{', '.join(text_of(item) or 'null' for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={text_of(item)}' for key, item in value.items())}}}"
    return str(value)


def _java(value: float) -> str:
    """Athena is written in Java: 1.0E-5, 1.2345678E7, Infinity."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    # The shortest digits that read back to the same number, as both languages choose them.
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    shown = "".join(map(str, digits))
    power = len(shown) - 1 + int(exponent)
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"
