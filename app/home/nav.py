"""The small numbers beside the navigation, for whole pages only."""

from fastapi import Request

from app.core.pages import wants_fragment
from app.core.services import services_of
from app.notices import queries as notices
from app.notices import service
from app.registry.queries import waiting_count
from app.runs.queries import active_runs


def count_for_nav(request: Request) -> None:
    """Opening the page that a notice leads to reads it, whichever way one came.

    A form may answer with a page too, and that has the same navigation.
    """
    wanted = request.method in ("GET", "POST") and "text/html" in request.headers.get("accept", "")
    if not wanted or wants_fragment(request) or request.state.actor is None:
        return
    works, actor = services_of(request).works, request.state.actor
    path = request.url.path if request.method == "GET" else ""
    with works.reading() as work:
        unread = notices.unread(work.session, actor.id, path)
        request.state.nav = {
            "approvals": waiting_count(work.session),
            "runs": len(active_runs(work.session)),
            "notices": unread.count,
        }
    if unread.here:  # once a notice, so a page view still takes no write lock as a rule
        with works.writing() as work:
            request.state.nav["notices"] -= service.opened(work, actor.id, path)
