"""The search across the product."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.core.lists import Form, list_file
from app.core.pages import render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.search import service
from app.search.views import COLUMNS, marked

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Query(max_length=1000)]
IN_A_FILE = 200  # of each kind


@router.get("/search")
@requires(Role.VIEWER)
def search_page(
    request: Request, work: Reading, services: AppServices, actor: CurrentActor, q: Words = ""
) -> Response:
    """An exact id leads straight to its page."""
    text = service.plain(q)
    if address := service.jump(work, services, actor, text):
        return RedirectResponse(address, 303)
    query = urlencode({"q": text})
    return render(
        request,
        "search/search.html",
        results=service.search(work, services, actor, text),
        marked=marked,
        query=query,
        snippets=snippets(request, Call("This search", "GET", f"/api/v1/search?{query}", command="search")),
    )


@router.get("/search.{form}")
@requires(Role.VIEWER)
def search_file(
    work: Reading, services: AppServices, actor: CurrentActor, form: Form, q: Words = ""
) -> Response:
    results = service.search(work, services, actor, service.plain(q), IN_A_FILE)
    return list_file(form, "search", COLUMNS, results.items)
