"""What a reader may look up: how the product is used, its words, its keys, and how its pages are made."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.charts.samples import samples
from app.core.errors import NotFound
from app.core.lists import csv_file
from app.core.pages import render
from app.core.security import Role, public, requires
from app.core.snippets import Call, snippets

router = APIRouter(include_in_schema=False)

FIGURES = "/help/design/figures/{}.csv"


@router.get("/help")
@public("how to use this, also for those who can't sign in yet")
def help_page(request: Request) -> Response:
    return render(request, "help/help.html")


@router.get("/help/shortcuts")
@public("the keys of the pages, which say nothing about what is on them")
def shortcuts(request: Request) -> Response:
    return render(request, "help/shortcuts.html", block="keys")


@router.get("/help/design")
@requires(Role.VIEWER)
def design(request: Request) -> Response:
    calls = snippets(request, Call("The runs", "GET", "/api/v1/runs", command="run ls"))
    return render(request, "help/design.html", figures=samples(FIGURES), snippets=calls)


@router.get("/help/design/figures/{name}.csv")
@requires(Role.VIEWER)
def sample_file(name: str) -> Response:
    figure = next((one for one in samples(FIGURES) if one.name == name), None)
    if figure is None:
        raise NotFound(f"There is no figure “{name}”.", "The figures are listed at /help/design.")
    return csv_file(name, *figure.csv())
