"""The endpoints' pages and the form to try one."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.accounts.queries import actor_names
from app.core.errors import FittingRoomError, Invalid, TooMany
from app.core.pages import render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.endpoints import page, queries, service
from app.endpoints.forms import parse_review, picked
from app.endpoints.loaded import Serves
from app.endpoints.serving import serving_of
from app.registry.queries import deployable
from ml.serving.predictor import ReviewInput

router = APIRouter(include_in_schema=False)


@router.get("/endpoints")
@requires(Role.VIEWER)
def endpoints(request: Request, work: Reading) -> HTMLResponse:
    rows = page.endpoint_rows(work, serving_of(request))
    names = actor_names(work.session, [row.live.deployment.actor_id for row in rows if row.live])
    versions = deployable(work.session)
    return render(request, "endpoints/endpoints.html", rows=rows, names=names, versions=versions)


@router.get("/endpoints/{endpoint}")
@requires(Role.VIEWER)
def endpoint(request: Request, work: Reading, endpoint: str) -> HTMLResponse:
    found = service.find_endpoint(work, endpoint)
    history = queries.history(work.session, found.id)
    names = actor_names(work.session, [placed.deployment.actor_id for placed in history])
    live = next((placed for placed in history if placed.deployment.retired_at is None), None)
    versions = page.other_versions(work, live)
    slot = serving_of(request).slot(found.name)
    return render(
        request,
        "endpoints/endpoint.html",
        endpoint=found,
        live=live,
        history=history,
        names=names,
        versions=versions,
        slot=slot,
    )


@router.post("/deployments")
@requires(Role.EDITOR)
async def deploy(
    request: Request,
    services: AppServices,
    actor: CurrentActor,
    endpoint: Annotated[str, Form()],
    pick: Annotated[str, Form()],
) -> Response:
    model, version = picked(pick)
    placed = await asyncio.to_thread(service.deploy, services, actor, endpoint, model, version)
    await serving_of(request).settled(placed.endpoint.name)
    return RedirectResponse(f"/endpoints/{placed.endpoint.name}", 303)


@router.get("/predict/{endpoint}")
@requires(Role.VIEWER)
async def try_it(
    request: Request, endpoint: str, example: Annotated[int | None, Query(ge=1, le=page.EXAMPLES)] = None
) -> HTMLResponse:
    loaded = await serving_of(request).ready(endpoint)
    text = page.TEXTS[example - 1] if example else page.Text("", "")
    return _render(request, loaded.serves, text)


@router.post("/predict/{endpoint}")
@requires(Role.VIEWER)
async def predict(
    request: Request,
    endpoint: str,
    text: Annotated[str, Form()] = "",
    title: Annotated[str, Form()] = "",
) -> HTMLResponse:
    started = time.perf_counter()
    loaded = await serving_of(request).ready(endpoint)
    written = page.Text(text, title)
    try:
        review = parse_review(text, title)
        prediction = (await loaded.predict([ReviewInput(review.text, review.title)]))[0]
    except (Invalid, TooMany) as error:
        return _render(request, loaded.serves, written, error=error)
    return _render(request, loaded.serves, written, page.result(loaded.serves, prediction, started))


def _render(
    request: Request,
    serves: Serves,
    text: page.Text,
    result: page.Result | None = None,
    error: FittingRoomError | None = None,
) -> HTMLResponse:
    return render(
        request,
        "predict/predict.html",
        status=error.status if error else 200,
        serves=serves,
        text=text,
        result=result,
        error=error,
        examples=page.EXAMPLES,
        snippets=page.snippets(serves, text, str(request.base_url)),
    )
