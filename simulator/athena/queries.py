"""One query, in a DuckDB of its own that sees the named tables and nothing else: no files, no network."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from simulator.athena.tables import CATALOG, Name, QueryFailed, describe, literal, load, quoted
from simulator.athena.values import column_info
from simulator.core import AwsError, State

# Athena's names for what DuckDB calls otherwise.
MACROS = (
    "cardinality(x) AS len(x)",
    "regexp_like(x, pattern) AS regexp_matches(x, pattern)",
    "regexp_count(x, pattern) AS len(regexp_extract_all(x, pattern))",
    "approx_percentile(x, p) AS approx_quantile(x, p)",
    "approx_distinct(x) AS approx_count_distinct(x)",
    "array_join(x, separator) AS array_to_string(x, separator)",
    "element_at(x, i) AS x[i]",
    "json_extract_scalar(x, path) AS json_extract_string(x, path)",
    "rand() AS random()",
)
Settings = dict[str, str | bool | int | float | list[str]]
LOCKED: Settings = {"enable_external_access": "false", "threads": 1, "memory_limit": "1GB"}
# What does not fit goes to the query's own directory and not to wherever the simulator was started.
RUNNING: Settings = {
    "threads": 1,
    "memory_limit": "1GB",
    "integer_division": True,
    "max_temp_directory_size": "4GB",
}
INTERRUPT_SECONDS = 0.1
READS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*\(*\s*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE | re.DOTALL)
UNNAMED = re.compile(r"[^A-Za-z_]|\w*\W")


@dataclass
class Result:
    columns: list[dict[str, Any]]
    rows: list[tuple[Any, ...]]
    scanned: int = 0


@dataclass
class Query:
    """``cancel`` may be called at any time and from any thread."""

    sql: str
    database: str
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _connection: duckdb.DuckDBPyConnection | None = None

    def cancel(self) -> None:
        self._cancelled.set()
        threading.Thread(target=self._interrupt, name="query-end", daemon=True).start()

    def _interrupt(self) -> None:
        """Until it has ended: one that comes just before a statement begins does nothing to it."""
        while self._connection is not None and not self._ended.wait(INTERRUPT_SECONDS):
            self._connection.interrupt()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def run(self, state: State) -> Result:
        if not READS.match(self.sql):
            raise QueryFailed("NOT_SUPPORTED: the simulator runs a single SELECT; no DDL, no CTAS, no UNLOAD")
        place = state.directory("athena")
        connection = duckdb.connect(config={**RUNNING, "temp_directory": str(place)})
        self._connection = connection
        try:
            scanned = self._bring(state, connection, place)
            for setting in ("enable_external_access = false", "lock_configuration = true"):
                connection.execute(f"SET {setting}")
            result = self._ask(connection)
            result.scanned = scanned
            return result
        finally:
            self._ended.set()
            connection.close()
            shutil.rmtree(place, ignore_errors=True)

    def _bring(self, state: State, connection: duckdb.DuckDBPyConnection, place: Path) -> int:
        for macro in MACROS:
            connection.execute(f"CREATE MACRO {macro}")
        connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{quoted(self.database)}")
        scanned = 0
        for name, where in tables_of(self.sql, self.database).items():
            table = describe(state, name, position(self.sql, where))
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{quoted(name.database)}")
            scanned += load(state, connection, name, table, place)
        path = f"{CATALOG}.{quoted(self.database)},memory.main"
        connection.execute(f"SET search_path = {literal(path)}")
        return scanned

    def _ask(self, connection: duckdb.DuckDBPyConnection) -> Result:
        if self.cancelled:
            raise QueryFailed("Query was cancelled")
        try:
            answer = connection.execute(self.sql)
            described = list(answer.description or [])
            columns = [column_info(_label(n, each[0]), str(each[1])) for n, each in enumerate(described)]
            return Result(columns, answer.fetchall())
        except duckdb.Error as error:
            raise QueryFailed(reason(error)) from None


def _label(number: int, name: str) -> str:
    """What has no name is _col0, _col1 …; DuckDB calls it by its text."""
    return f"_col{number}" if UNNAMED.match(name) else name.lower()


def check(sql: str) -> None:
    """What Athena refuses at once: what it can't read, and more than one statement."""
    with duckdb.connect(config=LOCKED) as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            raise malformed(f"line {position_in(error)}: {first_line(error)}") from None
    if len(statements) != 1:
        raise malformed(f"Only one sql statement is allowed. Got: {sql}")


def malformed(message: str) -> AwsError:
    return AwsError("InvalidRequestException", message)


def tables_of(sql: str, database: str) -> dict[Name, int]:
    """The tables that a query names, those of its own WITH left out, and where each stands first."""
    with duckdb.connect(config=LOCKED) as connection:
        try:
            text = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0]
        except duckdb.Error as error:
            raise QueryFailed(reason(error)) from None
    found: dict[Name, int] = {}
    for path, place in _paths(json.loads(text), frozenset()):
        if len(path) > 2 and path[-3] != CATALOG:
            raise QueryFailed(
                f"CATALOG_NOT_FOUND: {position(sql, place)}: Catalog '{path[-3]}' does not exist"
            )
        found.setdefault(Name(path[-2] if len(path) > 1 else database, path[-1]), place)
    return found


def _paths(node: Any, own: frozenset[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    """``own`` are the names that a WITH has given so far: each sees those before it."""
    if isinstance(node, list):
        for item in node:
            yield from _paths(item, own)
        return
    if not isinstance(node, dict):
        return
    for entry in (node.get("cte_map") or {}).get("map", []):
        name = frozenset({entry["key"].lower()})
        recursive = entry["value"]["query_node"].get("type") == "RECURSIVE_CTE_NODE"
        yield from _paths(entry["value"], own | name if recursive else own)
        own |= name
    if node.get("type") == "BASE_TABLE":
        path = tuple(part.lower() for part in node["qualified_name"]["path"])
        if len(path) > 1 or path[0] not in own:
            yield path, node["query_location"]
    yield from _paths([value for key, value in node.items() if key != "cte_map"], own)


# --- errors in Athena's words -----------------------------------------------------------------------


def position(sql: str, place: int) -> str:
    before = sql.encode()[:place].decode(errors="replace")
    return f"line {before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def position_in(error: duckdb.Error) -> str:
    """From the line and the caret that DuckDB prints below its message."""
    lines = str(error).split("\n")
    for number, line in enumerate(lines[:-1]):
        match = re.match(r"LINE (\d+): ", line)
        if match:
            return f"{match[1]}:{max(1, lines[number + 1].find('^') - match.end() + 1)}"
    return "1:1"


def first_line(error: duckdb.Error) -> str:
    return str(error).split("\n")[0].partition("Error: ")[2] or str(error)


def reason(error: duckdb.Error) -> str:
    text, line = first_line(error), f"line {position_in(error)}"
    column = re.search(r'[Cc]olumn (?:named )?"([^"]+)"(?! of)', text)
    if column:
        return f"COLUMN_NOT_FOUND: {line}: Column '{column[1]}' cannot be resolved"
    function = re.search(r"Function with name (\S+) does not exist", text)
    if function:
        return f"FUNCTION_NOT_FOUND: {line}: Function '{function[1]}' not registered"
    if isinstance(error, duckdb.ConversionException):
        return f"INVALID_CAST_ARGUMENT: {text}"
    if isinstance(error, duckdb.BinderException):
        return f"TYPE_MISMATCH: {line}: {text}"
    if isinstance(error, duckdb.PermissionException):
        return f"PERMISSION_DENIED: {text}"
    return f"GENERIC_USER_ERROR: {line}: {text}"
