"""Thousands of copies of one run, by plain INSERTs: what pages are measured against."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.orm import Session

from app.core.database import Main
from app.core.ids import new_id
from app.core.numbers import Counter
from app.runs.tables import Run

AT_ONCE = 500
TIMES = ("created_at", "started_at", "finished_at")
# A version belongs to one run only, and what a copy's attempts did stands in its steps and events.
LEFT_OUT = frozenset({"model_version", "dataset_version"})
Row = dict[str, Any]


def copy_runs(session: Session, run_id: str, count: int) -> None:
    """Of every table that knows runs, so that a new one is measured without a word here."""
    tables = [
        table for table in Main.metadata.sorted_tables if "run_id" in table.c and table.name not in LEFT_OUT
    ]
    kept = {table: _rows(session, table, "run_id", run_id) for table in tables}
    run = _rows(session, Main.metadata.tables["run"], "id", run_id)[0]
    first = (session.scalar(select(func.max(Run.number))) or 0) + 1
    for start in range(first, first + count, AT_ONCE):
        copies = [_run(run, number) for number in range(start, min(start + AT_ONCE, first + count))]
        session.execute(insert(Main.metadata.tables["run"]), copies)
        renamings = [{run_id: copy["id"]} for copy in copies]
        for table, rows in kept.items():
            if rows:
                session.execute(insert(table), [_of(row, names) for names in renamings for row in rows])
    session.execute(update(Counter).where(Counter.name == "run").values(value=first + count - 1))


def _rows(session: Session, table: Table, column: str, value: str) -> list[Row]:
    return [dict(row) for row in session.execute(select(table).where(table.c[column] == value)).mappings()]


def _run(like: Row, number: int) -> Row:
    times = {name: like[name] + timedelta(milliseconds=number) for name in TIMES}
    return {**like, **times, "id": new_id("run"), "number": number, "idempotency_key": None}


def _of(row: Row, names: dict[str, str]) -> Row:
    """The row with ids of its own; the same old id is the same new one wherever it stands."""
    if isinstance(own := row.get("id"), str):
        names.setdefault(own, new_id(own.partition("_")[0]))
    return {name: names.get(value, value) if isinstance(value, str) else value for name, value in row.items()}
