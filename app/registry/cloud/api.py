"""Keeping a model in step with SageMaker's registry, over REST."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing
from app.registry.cloud import queries, service
from app.registry.cloud.views import standing_json
from app.registry.service import find_version

router = APIRouter(prefix="/api/v1", tags=["models"])


class SyncRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: bool


@router.put("/models/{model}/sagemaker")
@requires(Role.APPROVER)
def switch(
    work: Writing, services: AppServices, actor: CurrentActor, model: str, body: SyncRequest
) -> dict[str, Any]:
    found = service.switch(work, services, actor, model, on=body.on)
    return {"model": found.name, "sync": body.on}


@router.post("/models/{model}/sagemaker/comparison", status_code=202)
@requires(Role.EDITOR)
def compare(work: Writing, model: str) -> dict[str, Any]:
    """A worker compares all of its versions with their packages, within seconds."""
    return {"model": service.ask(work, model).name, "sync": True}


@router.get("/models/{model}/versions/{number}/sagemaker")
@requires(Role.VIEWER)
def show(work: Reading, model: str, number: int) -> dict[str, Any]:
    return standing_json(queries.standing(work.session, find_version(work, model, number).version))
