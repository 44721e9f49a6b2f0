"""The first page: what needs you, what moves, and the five first steps."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core.pages import render
from app.core.security import CurrentActor, Role, requires

router = APIRouter(include_in_schema=False)


@router.get("/")
@requires(Role.VIEWER)
def home(request: Request, actor: CurrentActor) -> Response:
    return render(request, "home/home.html")
