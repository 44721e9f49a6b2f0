"""The page that lists the runs."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.core.pages import render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.datasets.queries import dataset_by_name, versions_of
from app.runs import queries, rows
from app.runs.queries import RunFilter
from app.runs.rows import Filters

router = APIRouter(include_in_schema=False)


@router.get("/runs")
@requires(Role.VIEWER)
def list_runs(
    request: Request,
    actor: CurrentActor,
    work: Reading,
    services: AppServices,
    filters: Annotated[Filters, Depends()],
    after: str = "",
) -> Response:
    narrowed = _narrowed(work, filters)
    page = queries.list_runs(work.session, narrowed, after or None, rows.PAGE)
    counts = queries.status_counts(work.session, narrowed)
    return render(
        request,
        "runs/list.html",
        may_edit=actor.may(Role.EDITOR),
        filters=filters,
        tabs=rows.tabs(filters, counts),
        rows=rows.rows(work, services, page.items, datetime.now(UTC)),
        total=page.total,
        next_url=filters.url(after=page.next) if page.next else None,
        first_url=filters.url() if after else None,
    )


def _narrowed(work: Reading, filters: Filters) -> RunFilter:
    """A data set that does not exist has no runs; it doesn't mean "all of them"."""
    subjects = None
    if filters.dataset:
        dataset = dataset_by_name(work.session, filters.dataset)
        versions = versions_of(work.session, dataset.id) if dataset else []
        subjects = [named.version.id for named in versions]
    return RunFilter(
        status=filters.status or None,
        pipeline=filters.pipeline or None,
        subject_ids=subjects,
        recipe=filters.recipe or None,
        text=filters.q or None,
    )
