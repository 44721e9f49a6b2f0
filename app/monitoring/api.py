"""REST under /api/v1/system, for administrators."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from app.core.instruments import instruments_of
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.monitoring import checking, collecting, views
from app.monitoring.system import look

router = APIRouter(prefix="/api/v1/system", tags=["system"])


class CollectionRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dry_run: bool = True
    older_than_hours: float = Field(default=24, ge=collecting.YOUNGEST_HOURS, le=24 * 3650)


@router.get("")
@requires(Role.ADMIN)
def show_system(request: Request, work: Reading, services: AppServices) -> dict[str, Any]:
    return views.system_json(look(work, services, instruments_of(request)))


@router.post("/collection")
@requires(Role.ADMIN)
def collect(body: CollectionRequest, services: AppServices, actor: CurrentActor) -> dict[str, Any]:
    """Reads all that is named and all that is stored; with ``dry_run`` nothing is touched."""
    hours = body.older_than_hours
    found = collecting.collect(services, hours=hours, dry=body.dry_run, actor_id=actor.id)
    return views.collection_json(found)


@router.get("/check")
@requires(Role.ADMIN)
def check(services: AppServices, content: bool = False) -> dict[str, Any]:
    """Whether every named file is there, and the audit whole. ``content`` reads every byte."""
    return views.report_json(checking.check(services, content=content))
