"""The list of runs as a file: what its page shows of a run, and the figures in full."""

from collections.abc import Iterator
from typing import Any

from app.accounts.queries import actor_names
from app.core.lists import Column
from app.core.work import Work
from app.datasets.queries import NamedVersion, named_versions
from app.keeping.queries import Kept, kept_of
from app.runs.listing import queries as list_queries
from app.runs.queries import CLOSED, RunFilter
from app.runs.states import RunStatus
from app.runs.tables import Run

Row = tuple[Run, str, NamedVersion | None, Kept]


def file_rows(work: Work, narrowed: RunFilter, sort: str) -> Iterator[Row]:
    for page in list_queries.all_runs(work.session, narrowed, sort):
        names = actor_names(work.session, {run.actor_id for run in page})
        subjects = named_versions(work.session, list({run.subject_id for run in page if run.subject_id}))
        kept = kept_of(work.session, [run.id for run in page])
        for run in page:
            by = names.get(run.actor_id, run.actor_id)
            yield run, by, subjects.get(run.subject_id or ""), kept[run.id]


def _status(run: Run) -> str:
    return CLOSED if run.status == RunStatus.SUCCEEDED and run.message else run.status


def _seconds(run: Run) -> float | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return round((run.finished_at - run.started_at).total_seconds(), 3)


def _figure(part: str, name: str, value: str) -> Column[Row]:
    heading = name if part == "metrics" else f"{part}_{name}"
    heading = heading if value == "value" else f"{heading}_{value}"

    def found(row: Row) -> Any:
        return (row[0].figures or {}).get(part, {}).get(name, {}).get(value)

    return Column(heading, found)


COLUMNS: list[Column[Row]] = [
    Column("number", lambda row: row[0].number),
    Column("id", lambda row: row[0].id),
    Column("status", lambda row: _status(row[0])),
    Column("pipeline", lambda row: row[0].pipeline),
    Column("recipe", lambda row: row[0].recipe),
    Column("compute", lambda row: row[0].compute),
    Column("label", lambda row: row[0].label),
    Column("model", lambda row: row[0].model),
    Column("dataset", lambda row: row[2].dataset.name if row[2] else None),
    Column("dataset_version", lambda row: row[2].version.number if row[2] else None),
    Column("by", lambda row: row[1]),
    Column("launched", lambda row: row[0].created_at),
    Column("started", lambda row: row[0].started_at),
    Column("finished", lambda row: row[0].finished_at),
    Column("seconds", lambda row: _seconds(row[0])),
    *(
        _figure(part, name, value)
        for name in ("macro_f1", "accuracy")
        for part in ("metrics", "difference")
        for value in ("value", "low", "high")
    ),
    Column("n", lambda row: (row[0].figures or {}).get("metrics", {}).get("macro_f1", {}).get("n")),
    Column("message", lambda row: row[0].message),
    Column("tags", lambda row: list(row[3].tags)),
    Column("archived", lambda row: row[3].archived_at),
]
