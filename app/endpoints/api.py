"""The endpoints' REST resources, and the lifespan of what this process serves."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from app.accounts.queries import actor_names
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services
from app.endpoints import queries, service, views
from app.endpoints.cloud import queries as cloud_queries
from app.endpoints.cloud import service as cloud_service
from app.endpoints.cloud.service import Wanted
from app.endpoints.cloud.views import cloud_json
from app.endpoints.forms import DeploymentRequest, PredictionRequest, in_utc, parse_prediction
from app.endpoints.serving import Serving, Slot, serving_of
from app.endpoints.tables import Endpoint
from app.endpoints.trying import Recent
from ml.serving.predictor import ReviewInput


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
    serving = Serving(app.state.services, app.state.instruments)
    serving.start()
    yield {"serving": serving, "recent": Recent()}
    await serving.close()


router = APIRouter(prefix="/api/v1", tags=["endpoints"], lifespan=_lifespan)
# The body is read by hand, after the queue was found to have room; so its schema is named by hand as well.
_BODY = {"requestBody": {"content": {"application/json": {"schema": PredictionRequest.model_json_schema()}}}}


@router.get("/endpoints")
@requires(Role.VIEWER)
def list_endpoints(request: Request, work: Reading) -> dict[str, Any]:
    serving = serving_of(request)
    live = {placed.endpoint.id: placed for placed in queries.live(work.session)}
    found = queries.list_endpoints(work.session)
    places = cloud_queries.places(work.session, [endpoint.id for endpoint in found])
    items = [
        views.endpoint_json(each, live.get(each.id), serving.slot(each.name), places.get(each.id))
        for each in found
    ]
    return {"items": items, "total": queries.count_endpoints(work.session), "next": None}


@router.get("/endpoints/{endpoint}")
@requires(Role.VIEWER)
def show_endpoint(request: Request, work: Reading, endpoint: str) -> dict[str, Any]:
    found = service.find_endpoint(work, endpoint)
    history = queries.history(work.session, found.id)
    names = actor_names(work.session, [placed.deployment.actor_id for placed in history])
    live = next((placed for placed in history if placed.deployment.retired_at is None), None)
    place = cloud_queries.place(work.session, found.id)
    shown = views.endpoint_json(found, live, serving_of(request).slot(found.name), place)
    return {**shown, "deployments": [views.placed_json(placed, names) for placed in history]}


@router.get("/endpoints/{endpoint}/live")
@requires(Role.VIEWER)
def show_live(work: Reading, endpoint: str, at: datetime | None = None) -> dict[str, Any]:
    """What answers, or answered at ``at``; ``live`` is null where nothing did."""
    found = service.find_endpoint(work, endpoint)
    moment = in_utc(at) if at else queries.clock(work.session)
    placed = queries.live_at(work.session, found.id, moment)
    names = actor_names(work.session, [placed.deployment.actor_id] if placed else [])
    live = views.placed_json(placed, names) if placed else None
    return {"endpoint": found.name, "at": moment.isoformat(), "live": live}


@router.post("/endpoints/{endpoint}/stop")
@requires(Role.EDITOR)
async def stop(request: Request, services: AppServices, actor: CurrentActor, endpoint: str) -> dict[str, Any]:
    found = await asyncio.to_thread(service.stop, services, actor, endpoint)
    slot = await serving_of(request).settled(found.name)
    return await asyncio.to_thread(_stopped, services, found, slot)


def _stopped(services: Services, endpoint: Endpoint, slot: Slot | None) -> dict[str, Any]:
    with services.works.reading() as work:
        return views.endpoint_json(endpoint, None, slot, cloud_queries.place(work.session, endpoint.id))


@router.delete("/endpoints/{endpoint}", status_code=204)
@requires(Role.EDITOR)
async def delete(request: Request, services: AppServices, actor: CurrentActor, endpoint: str) -> None:
    found = await asyncio.to_thread(service.delete, services, actor, endpoint)
    await serving_of(request).settled(found.name)


@router.post("/endpoints/{endpoint}/deployments", status_code=201)
@requires(Role.EDITOR)
async def deploy(
    request: Request,
    response: Response,
    services: AppServices,
    actor: CurrentActor,
    endpoint: str,
    body: DeploymentRequest,
) -> dict[str, Any]:
    """Answers once the version is loaded here, or was refused: ``state`` says which. With 202 at once where
    it shall answer on SageMaker."""
    if body.compute == "sagemaker":
        response.status_code = 202
        place = await asyncio.to_thread(cloud_service.deploy, services, actor, _wanted(endpoint, body))
        asked = {"endpoint": endpoint, "model": body.model, "version": body.version, "reason": None}
        return {**asked, "state": place.state, "sagemaker": cloud_json(place)}
    placed = await asyncio.to_thread(service.deploy, services, actor, endpoint, body.model, body.version)
    slot = await serving_of(request).settled(placed.endpoint.name)
    return {**views.placed_json(placed, {actor.id: actor.name}), **views.state_json(slot)}


def _wanted(endpoint: str, body: DeploymentRequest) -> Wanted:
    return Wanted(endpoint, body.model, body.version, body.instance_type, body.instance_count)


@router.post("/endpoints/{endpoint}/predict", openapi_extra=_BODY)
@requires(Role.VIEWER)
async def predict(request: Request, actor: CurrentActor, endpoint: str) -> dict[str, Any]:
    started = time.perf_counter()
    serving = serving_of(request)
    (await serving.ready(endpoint)).admit()
    asked = parse_prediction(await request.body())
    loaded = await serving.ready(endpoint)
    with serving.asked(loaded, actor.name, len(asked.inputs)):
        predictions = await loaded.predict([ReviewInput(one.text, one.title) for one in asked.inputs])
    seconds = time.perf_counter() - started
    return views.answer_json(loaded.serves, predictions, asked.parameters, request.state.request_id, seconds)
