"""Notices over REST: one's own, and no one else's."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.core.security import CurrentActor, Role, requires
from app.core.services import Reading, Writing
from app.notices import queries, service
from app.notices.queries import NoticeFilter
from app.notices.tables import Kind
from app.notices.views import notice_json

router = APIRouter(prefix="/api/v1", tags=["notices"])


@router.get("/notices")
@requires(Role.VIEWER)
def list_notices(
    work: Reading,
    actor: CurrentActor,
    unread: bool = False,
    kind: Kind | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    narrowed = NoticeFilter(actor.id, unread, kind or "", q)
    page = queries.list_notices(work.session, narrowed, cursor, limit)
    items = [notice_json(notice) for notice in page.items]
    return {"items": items, "total": page.total, "next": page.next}


@router.post("/notices/reading")
@requires(Role.VIEWER)
def read_all(work: Writing, actor: CurrentActor) -> dict[str, Any]:
    """Marks all as read; answers how many were unread."""
    return {"read": service.read_all(work, actor.id)}
