"""The lists of models and of a model's versions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from app.core.errors import NotFound
from app.core.lists import Form as FileForm
from app.core.lists import csv_file, list_file
from app.core.pages import render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.keeping.queries import tags_in_use
from app.keeping.view import panel_of
from app.registry import list_files, list_queries, listing, service
from app.registry.cloud.page import model_in_cloud
from app.registry.filters import STATUSES, Filters

router = APIRouter(include_in_schema=False)

Narrowing = Annotated[Filters, Depends()]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]


@router.get("/models")
@requires(Role.VIEWER)
def models(request: Request, work: Reading, filters: Narrowing, after: Offset = 0) -> HTMLResponse:
    found = list_queries.list_models(work.session, filters, after, listing.PAGE)
    call = Call("These models", "GET", filters.url("/api/v1/models"), command="model ls")
    return render(
        request,
        "models/models.html",
        lines=listing.model_lines(work, found.items),
        total=found.total,
        filters=filters,
        statuses=STATUSES,
        tags=tags_in_use(work.session, "md"),
        next_url=filters.url(after=str(found.next)) if found.next else None,
        first_url=filters.url() if after else None,
        snippets=snippets(request, call),
    )


@router.get("/models.{form}")
@requires(Role.VIEWER)
def models_file(work: Reading, form: FileForm, filters: Narrowing) -> Response:
    return list_file(form, "models", list_files.MODEL_COLUMNS, list_files.all_models(work, filters))


@router.get("/models/{model}")
@requires(Role.VIEWER)
def model(
    request: Request,
    work: Reading,
    services: AppServices,
    actor: CurrentActor,
    model: str,
    filters: Narrowing,
    after: Offset = 0,
) -> HTMLResponse:
    found = service.find_model(work, model)
    return render(
        request,
        "models/model.html",
        view=listing.model_view(work, found, filters, after),
        after=after,
        panel=panel_of(work, services, found.id),
        may_edit=actor.may(Role.EDITOR),
        may_switch=actor.may(Role.APPROVER),
        cloud=model_in_cloud(work, services, found),
        snippets=snippets(request, Call("Its versions", "GET", f"/api/v1/models/{found.name}")),
    )


@router.get("/models/{model}/versions.{form}")
@requires(Role.VIEWER)
def versions_file(work: Reading, model: str, form: FileForm, filters: Narrowing) -> Response:
    found = service.find_model(work, model)
    rows = list_files.all_versions(work, found, filters)
    return list_file(form, f"{found.name}-versions", list_files.VERSION_COLUMNS, rows)


@router.get("/models/{model}/figures/{name}.csv")
@requires(Role.VIEWER)
def model_figure(work: Reading, model: str, name: str) -> Response:
    found = service.find_model(work, model)
    drawn = listing.model_view(work, found, Filters(), 0).figure
    if name != listing.FIGURE or drawn is None:
        raise NotFound(f"There is no figure {name[:40]!r} of {found.name}.", "Its page shows what there is.")
    return csv_file(f"{found.name}-{name}", *drawn.csv())
