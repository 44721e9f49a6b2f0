"""A table of Glue, brought from S3 into DuckDB's memory with the columns and types that Glue promises."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import duckdb
from botocore.exceptions import ClientError

from simulator.athena.values import duckdb_type
from simulator.core import State

CATALOG = "awsdatacatalog"


class QueryFailed(Exception):
    """The reason that GetQueryExecution gives."""


@dataclass(frozen=True)
class Name:
    database: str
    table: str

    @property
    def quoted(self) -> str:
        return ".".join(quoted(part) for part in (CATALOG, self.database, self.table))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def describe(state: State, name: Name, where: str) -> dict[str, Any]:
    """Glue's table; ``where`` is its place in the query, for the message when there is none."""
    try:
        state.glue.get_database(Name=name.database)
    except state.glue.exceptions.EntityNotFoundException:
        raise QueryFailed(f"SCHEMA_NOT_FOUND: {where}: Schema '{name.database}' does not exist") from None
    try:
        found = state.glue.get_table(DatabaseName=name.database, Name=name.table)
    except state.glue.exceptions.EntityNotFoundException:
        text = f"'{CATALOG}.{name.database}.{name.table}'"
        raise QueryFailed(f"TABLE_NOT_FOUND: {where}: Table {text} does not exist") from None
    return dict(found["Table"])


@dataclass
class Part:
    """What lies at one place: the table's own, or a partition's with its values."""

    location: str
    values: list[str]


def parts(state: State, name: Name, table: dict[str, Any]) -> Iterator[Part]:
    if not table.get("PartitionKeys"):
        yield Part(table["StorageDescriptor"]["Location"], [])
        return
    words = {"DatabaseName": name.database, "TableName": name.table}
    for page in state.glue.get_paginator("get_partitions").paginate(**words):
        for each in page["Partitions"]:
            yield Part(each["StorageDescriptor"]["Location"], each["Values"])


def load(
    state: State, connection: duckdb.DuckDBPyConnection, name: Name, table: dict[str, Any], place: Path
) -> int:
    """Answers how many bytes were read from S3."""
    columns = [(each["Name"], _type(each)) for each in table["StorageDescriptor"]["Columns"]]
    keys = [(each["Name"], _type(each)) for each in table.get("PartitionKeys", [])]
    declared = ", ".join(f"{quoted(column)} {kind}" for column, kind in [*columns, *keys])
    connection.execute(f"CREATE TABLE {name.quoted} ({declared})")
    size = 0
    for part in parts(state, name, table):
        files, read = _download(state, part.location, place)
        size += read
        if not files:
            continue
        constants = zip(part.values, keys, strict=True)
        try:
            chosen = _chosen(connection, source := _source(table, files, columns), columns)
            chosen += [f"CAST({literal(value)} AS {kind})" for value, (_, kind) in constants]
            connection.execute(f"INSERT INTO {name.quoted} SELECT {', '.join(chosen)} FROM {source}")  # noqa: S608 - quoted
        except duckdb.Error as error:
            raise QueryFailed(f"HIVE_BAD_DATA: Error reading {part.location}: {error}") from None
    return size


def _chosen(connection: duckdb.DuckDBPyConnection, source: str, columns: list[tuple[str, str]]) -> list[str]:
    """A column that a file doesn't have is empty, as Hive has it."""
    found = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 - quoted
    present = {str(row[0]).lower() for row in found}
    named = [(quoted(column) if column.lower() in present else "NULL", kind) for column, kind in columns]
    return [f"CAST({value} AS {kind})" for value, kind in named]


def _type(column: dict[str, Any]) -> str:
    try:
        return duckdb_type(column["Type"])
    except ValueError as error:
        raise QueryFailed(f"NOT_SUPPORTED: the simulator does not know the {error}") from None


def _download(state: State, location: str, place: Path) -> tuple[list[Path], int]:
    """All files below a location but those that Hive hides, whose names begin with a dot or underscore."""
    address = urlparse(location)
    bucket, prefix = address.netloc, address.path.lstrip("/")
    files, size = [], 0
    try:
        pages = state.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for each in (item for page in pages for item in page.get("Contents", [])):
            if each["Size"] == 0 or each["Key"].rpartition("/")[2].startswith((".", "_")):
                continue
            file = place / f"{len(list(place.iterdir()))}"
            state.s3.download_file(bucket, each["Key"], str(file))
            files.append(file)
            size += each["Size"]
    except ClientError as error:
        raise QueryFailed(f"HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split {location}: {error}") from None
    return files, size


def _source(table: dict[str, Any], files: list[Path], columns: list[tuple[str, str]]) -> str:
    descriptor = table["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo", {})
    library, words = serde.get("SerializationLibrary", ""), serde.get("Parameters", {})
    listed = f"[{', '.join(literal(str(file)) for file in files)}]"
    if "parquet" in library.lower():
        return f"read_parquet({listed}, union_by_name = true)"
    if "LazySimpleSerDe" in library or "OpenCSVSerde" in library:
        options = _csv(table, words, "OpenCSV" in library, columns)
        return f"read_csv({listed}, {', '.join(f'{name} = {value}' for name, value in options.items())})"
    raise QueryFailed(f"NOT_SUPPORTED: the simulator reads Parquet and CSV, not {library or 'this table'}")


def _csv(
    table: dict[str, Any], words: dict[str, str], quotes: bool, columns: list[tuple[str, str]]
) -> dict[str, str]:
    skip = {**table.get("Parameters", {}), **words}.get("skip.header.line.count", "0")
    delimiter = words.get("field.delim") or words.get("separatorChar") or ("," if quotes else "\x01")
    quote = literal(words.get("quoteChar", '"') if quotes else "")
    return {
        "header": "false",
        "auto_detect": "false",
        "columns": "{" + ", ".join(f"{literal(column)}: 'VARCHAR'" for column, _ in columns) + "}",
        "skip": str(int(skip)),
        "delim": literal(delimiter),
        "quote": quote,
        "escape": quote,
        "nullstr": literal("\\N"),
    }
