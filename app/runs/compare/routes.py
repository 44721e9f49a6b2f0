"""Runs beside each other: the page, its figures' numbers, and its table as a file."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.core.errors import NotFound
from app.core.lists import Column as FileColumn
from app.core.lists import Form, csv_file, list_file
from app.core.pages import render
from app.core.security import Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.keeping.queries import kept_of
from app.runs import queries
from app.runs.compare import differing
from app.runs.compare import page as comparing
from app.runs.compare.curves import figures
from app.runs.compare.page import Cell, Chosen, Column, MetricRow
from app.runs.queries import RunFilter
from app.runs.tables import Run

router = APIRouter(include_in_schema=False)

Ids = Annotated[list[str], Query(default_factory=list)]
OFFERED = 8  # runs to choose from where too few were
FileRow = tuple[Column, MetricRow, Cell]


class NoFigure(NotFound):
    title = "No such figure"


@router.get("/runs/compare")
@requires(Role.VIEWER)
def compare_runs(
    request: Request, work: Reading, services: AppServices, ids: Ids, diff: bool = True
) -> Response:
    """The first run is the one that the others are compared with. ``diff=0`` shows what is the same, too."""
    chosen = comparing.chosen(work, ids)
    shown = comparing.columns(work, services, chosen.details)
    rows = comparing.metric_rows(shown)
    address = f"/runs/compare/figures/{{}}.csv?ids={','.join(chosen.numbers)}"
    return render(
        request,
        "runs/compare.html",
        chosen=chosen,
        shown=shown,
        limit=comparing.LIMIT,
        rows=rows,
        finding=comparing.best_in_words(rows, shown),
        warnings=comparing.warnings(shown),
        figures=figures(work, services, shown, address),
        groups=differing.groups(shown, only_different=diff and len(shown) > 1),
        diff=diff,
        times=differing.times(shown),
        kept=kept_of(work.session, [one.run.id for one in shown]),
        offered=_offered(work, chosen),
        snippets=snippets(request, *_calls(chosen)),
    )


@router.get("/runs/compare.{form}")
@requires(Role.VIEWER)
def comparison_file(work: Reading, services: AppServices, ids: Ids, form: Form) -> Response:
    """A row a run and figure: value, interval, and the difference to the first run with its interval."""
    shown = comparing.columns(work, services, comparing.chosen(work, ids).details)
    found: list[FileRow] = [
        (one, row, cell)
        for row in comparing.metric_rows(shown)
        for one, cell in zip(shown, row.cells, strict=True)
    ]
    return list_file(form, "comparison", FILE, found)


@router.get("/runs/compare/figures/{name}.csv")
@requires(Role.VIEWER)
def figure_file(work: Reading, services: AppServices, ids: Ids, name: str) -> Response:
    shown = comparing.columns(work, services, comparing.chosen(work, ids).details)
    drawn = {figure.name: figure for figure in figures(work, services, shown, "")}
    if name not in drawn:
        raise NoFigure(f"There is no figure {name[:60]!r}.", f"There are: {', '.join(drawn) or 'none'}.")
    return csv_file(name, *drawn[name].csv())


def _offered(work: Reading, chosen: Chosen) -> list[Run]:
    """Runs to put beside those chosen: the latest of the same pipeline that have measured something."""
    if len(chosen.details) >= comparing.LIMIT:
        return []
    pipeline = chosen.details[0].run.pipeline if chosen.details else None
    within = RunFilter(pipeline=pipeline, status="succeeded", archived=False)
    latest = queries.list_runs(work.session, within, limit=OFFERED + comparing.LIMIT, total=0).items
    known = {each.run.id for each in chosen.details}
    return [run for run in latest if run.id not in known and run.figures][:OFFERED]


def _calls(chosen: Chosen) -> list[Call]:
    return [
        call
        for run in (each.run for each in chosen.details[:2])
        for call in (
            Call(f"Run #{run.number}", "GET", f"/api/v1/runs/{run.id}", command=f"run show {run.id}"),
            Call(f"The curves of run #{run.number}", "GET", f"/api/v1/runs/{run.id}/metrics"),
        )
    ]


FILE: list[FileColumn[FileRow]] = [
    FileColumn("run", lambda row: row[0].run.number),
    FileColumn("id", lambda row: row[0].run.id),
    FileColumn("recipe", lambda row: row[0].run.recipe),
    FileColumn("figure", lambda row: row[1].name),
    FileColumn("value", lambda row: row[2].value),
    FileColumn("low", lambda row: row[2].low),
    FileColumn("high", lambda row: row[2].high),
    FileColumn("n", lambda row: row[2].n),
    FileColumn("difference", lambda row: row[2].difference.value if row[2].difference else None),
    FileColumn("difference_low", lambda row: row[2].difference.low if row[2].difference else None),
    FileColumn("difference_high", lambda row: row[2].difference.high if row[2].difference else None),
    FileColumn("common_reviews", lambda row: row[0].paired.common if row[0].paired else None),
    FileColumn("best", lambda row: row[2].best),
]
