"""The search across the product, over REST."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.search import service
from app.search.views import found_json

router = APIRouter(prefix="/api/v1", tags=["search"])


@router.get("/search")
@requires(Role.VIEWER)
def search(
    work: Reading,
    services: AppServices,
    actor: CurrentActor,
    q: Annotated[str, Query(min_length=1, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> dict[str, Any]:
    """At most ``limit`` of each kind; there are no further pages, so ask for more, or for less."""
    results = service.search(work, services, actor, service.plain(q), limit)
    items = [found_json(found) for found in results.items]
    return {"items": items, "total": len(items), "next": None}
