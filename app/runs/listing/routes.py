"""The page that lists the runs, the same as a file, its cells that are still moving, and choosing many."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from app.accounts.queries import actor_names
from app.core.lists import Form as FileForm
from app.core.lists import list_file
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.core.snippets import Call, snippets
from app.core.work import Work
from app.datasets.queries import dataset_names
from app.keeping import service as keeping
from app.keeping.queries import tags_in_use
from app.runs import queries
from app.runs.listing import queries as list_queries
from app.runs.listing import rows
from app.runs.listing.file import COLUMNS, file_rows
from app.runs.listing.filters import Filters, narrowed, tabs

router = APIRouter(include_in_schema=False)

CHOSEN_LIMIT = 200
Narrowing = Annotated[Filters, Depends()]
Chosen = Annotated[list[str], Form(default_factory=list)]


@router.get("/runs")
@requires(Role.VIEWER)
def list_runs(
    request: Request,
    actor: CurrentActor,
    work: Reading,
    services: AppServices,
    filters: Narrowing,
    after: str = "",
) -> Response:
    within = narrowed(work.session, filters)
    counts = queries.status_counts(work.session, within)
    total = counts.get(filters.status, 0) if filters.status else sum(counts.values())
    page = queries.list_runs(work.session, within, after or None, rows.PAGE, filters.order, total)
    return render(
        request,
        "runs/list.html",
        block="list",
        headers={"HX-Push-Url": filters.url(after=after)},
        may_edit=actor.may(Role.EDITOR),
        filters=filters,
        tabs=tabs(filters, counts),
        choices=_choices(work),
        rows=rows.rows(work, services, page.items, datetime.now(UTC)),
        total=page.total,
        next_url=filters.url(after=page.next) if page.next else None,
        first_url=filters.url() if after else None,
        snippets=snippets(request, Call("These runs", "GET", filters.url("/api/v1/runs"), command="run ls")),
    )


@router.get("/runs.{form}")
@requires(Role.VIEWER)
def runs_file(work: Reading, filters: Narrowing, form: FileForm) -> Response:
    found = file_rows(work, narrowed(work.session, filters), filters.order)
    return list_file(form, "runs", COLUMNS, found)


@router.get("/runs/cells")
@requires(Role.VIEWER)
def live_cells(
    request: Request, work: Reading, services: AppServices, ids: Annotated[list[str], Query()]
) -> HTMLResponse:
    """What is still moving of these runs, as the list shows it; asked for every few seconds."""
    found = queries.runs_by_ids(work.session, ids[: rows.PAGE])
    return render(request, "runs/cells.html", rows=rows.rows(work, services, found, datetime.now(UTC)))


@router.post("/runs/archival")
@requires(Role.EDITOR)
def archive_chosen(work: Writing, services: AppServices, actor: CurrentActor, ids: Chosen) -> Response:
    """Those that the list's boxes have chosen; they stay where they are for whoever has the address."""
    found = queries.runs_by_ids(work.session, ids[:CHOSEN_LIMIT])
    for run in found:
        keeping.archive(work, services, actor.id, run.id)
    said = "No run was chosen." if not found else f"{len(found)} run{'s' * (len(found) > 1)} archived."
    return redirect("/runs", said)


def _choices(work: Work) -> dict[str, list[str]]:
    """What each filter can be set to, in the words of the page."""
    found = list_queries.choices(work.session)
    names = actor_names(work.session, found["by"])
    return {
        **found,
        "by": sorted(names.values()),
        "dataset": dataset_names(work.session),
        "tag": sorted(tags_in_use(work.session, "run")),
    }
