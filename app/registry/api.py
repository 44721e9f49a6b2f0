"""The registry's REST resources."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.registry import approval, list_queries, queries, service, views
from app.registry.filters import Filters
from app.registry.forms import DecisionRequest
from app.registry.queries import NamedVersion

router = APIRouter(prefix="/api/v1", tags=["models"])


@router.get("/models")
@requires(Role.VIEWER)
def list_models(
    work: Reading,
    filters: Annotated[Filters, Depends()],
    cursor: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    page = list_queries.list_models(work.session, filters, cursor, limit)
    following = str(page.next) if page.next else None
    return {"items": [views.model_json(row) for row in page.items], "total": page.total, "next": following}


@router.get("/models/{model}")
@requires(Role.VIEWER)
def show_model(work: Reading, model: str) -> dict[str, Any]:
    found = service.find_model(work, model)
    versions = queries.versions_of(work.session, found.id)
    items = [views.version_summary(NamedVersion(found, version)) for version in versions]
    return {"id": found.id, "name": found.name, "created_at": found.created_at, "versions": items}


@router.get("/models/{model}/versions/{number}")
@requires(Role.VIEWER)
def show_version(work: Reading, model: str, number: int) -> dict[str, Any]:
    return views.version_json(views.version_detail(work, service.find_version(work, model, number)))


@router.post("/models/{model}/versions/{number}/approval")
@requires(Role.APPROVER)
def decide(
    services: AppServices, actor: CurrentActor, model: str, number: int, body: DecisionRequest
) -> dict[str, Any]:
    with services.works.reading() as work:
        version_id = service.find_version(work, model, number).version.id
    approval.decide(
        services, version_id, actor, after=body.status, comment=body.comment, row_version=body.row_version
    )
    with services.works.reading() as work:
        return views.version_json(views.version_detail(work, service.get_version(work, version_id)))
