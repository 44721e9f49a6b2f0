"""The endpoints' pages: what answers where, since when, and the forms that change it."""

import asyncio
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from app.core.lists import Form as FileForm
from app.core.lists import list_file
from app.core.pages import redirect, render, wants_fragment
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.endpoints import page, queries, service
from app.endpoints.cloud import service as cloud_service
from app.endpoints.cloud.service import Wanted
from app.endpoints.cloud.views import offer
from app.endpoints.forms import picked
from app.endpoints.queries import Placed
from app.endpoints.serving import serving_of
from app.registry.queries import deployable

router = APIRouter(include_in_schema=False)

Offset = Annotated[int, Query(ge=0, le=1_000_000)]


@router.get("/endpoints")
@requires(Role.VIEWER)
def endpoints(
    request: Request, work: Reading, services: AppServices, q: str = "", archived: bool = False
) -> HTMLResponse:
    """``archived`` shows the deleted ones instead."""
    return render(
        request,
        "endpoints/endpoints.html",
        rows=page.endpoint_rows(work, serving_of(request), q.strip(), archived),
        total=queries.count_endpoints(work.session, text=q.strip(), deleted=archived),
        q=q.strip(),
        archived=archived,
        versions=deployable(work.session),
        not_offered=page.not_offered(work),
        offer=offer(work, services),
        snippets=snippets(request, Call("All endpoints", "GET", "/api/v1/endpoints")),
    )


@router.get("/endpoints.{form}")
@requires(Role.VIEWER)
def endpoints_file(
    request: Request, work: Reading, form: FileForm, q: str = "", archived: bool = False
) -> Response:
    rows = page.endpoint_rows(work, serving_of(request), q.strip(), archived)
    return list_file(form, "endpoints", page.ENDPOINT_COLUMNS, rows)


@router.get("/endpoints/{endpoint}")
@requires(Role.VIEWER)
def endpoint(
    request: Request, work: Reading, services: AppServices, endpoint: str, at: str = "", after: Offset = 0
) -> HTMLResponse:
    found = service.find_endpoint(work, endpoint)
    shown = page.endpoint_page(work, serving_of(request), found, at, after)
    status = shown.moment.error.status if shown.moment.error else 200
    calls = page.endpoint_calls(request, shown)
    return render(
        request,
        "endpoints/endpoint.html",
        block="standing",
        status=status,
        # Only a page that showed it at work asks for a part of itself: now all of it is another.
        headers={"HX-Refresh": "true"} if wants_fragment(request) and not shown.moving else None,
        page=shown,
        offer=offer(work, services),
        snippets=calls,
    )


@router.get("/endpoints/{endpoint}/deployments.{form}")
@requires(Role.VIEWER)
def deployments_file(work: Reading, endpoint: str, form: FileForm) -> Response:
    found = service.find_endpoint(work, endpoint)
    history = list(_all_deployments(work, found.id))
    columns = page.deployment_columns(page.names_in(work, history))
    return list_file(form, f"{found.name}-deployments", columns, history)


def _all_deployments(work: Reading, endpoint_id: str) -> Iterator[Placed]:
    offset = 0
    while rows := queries.history(work.session, endpoint_id, offset, 500):
        yield from rows
        offset += len(rows)


@router.post("/deployments")
@requires(Role.EDITOR)
async def deploy(
    request: Request,
    services: AppServices,
    actor: CurrentActor,
    endpoint: Annotated[str, Form()],
    pick: Annotated[str, Form()],
    compute: Annotated[str, Form()] = "local",
    instance_type: Annotated[str, Form()] = "",
    instance_count: Annotated[int, Form()] = 0,
) -> Response:
    model, version = picked(pick)
    if compute == "sagemaker":
        wanted = Wanted(endpoint, model, version, instance_type, instance_count)
        place = await asyncio.to_thread(cloud_service.deploy, services, actor, wanted)
        return redirect(f"/endpoints/{place.endpoint.name}", f"SageMaker is asked for {model} v{version}.")
    placed = await asyncio.to_thread(service.deploy, services, actor, endpoint, model, version)
    slot = await serving_of(request).settled(placed.endpoint.name)
    answers = {"ready": "answers", "failed": "can’t be loaded to answer"}.get(
        slot.state if slot else "", "is being loaded to answer"
    )
    said = f"{placed.model.name} v{placed.version.number} {answers} on {placed.endpoint.name}."
    return redirect(f"/endpoints/{placed.endpoint.name}", said)


@router.post("/endpoints/{endpoint}/stop")
@requires(Role.EDITOR)
async def stop(request: Request, services: AppServices, actor: CurrentActor, endpoint: str) -> Response:
    found = await asyncio.to_thread(service.stop, services, actor, endpoint)
    await serving_of(request).settled(found.name)
    return redirect(f"/endpoints/{found.name}", f"{found.name} was stopped. Nothing answers there now.")


@router.post("/endpoints/{endpoint}/deletion")
@requires(Role.EDITOR)
async def delete(request: Request, services: AppServices, actor: CurrentActor, endpoint: str) -> Response:
    found = await asyncio.to_thread(service.delete, services, actor, endpoint)
    await serving_of(request).settled(found.name)
    return redirect("/endpoints", f"{found.name} was deleted. Its history stays under Deleted.")
