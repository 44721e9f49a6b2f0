"""The pages of one version: what it holds, its rows, its rejects, and what is decided about it."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from app.core.errors import NotFound
from app.core.lists import Column, Form, csv_file, list_file
from app.core.pages import redirect, render, wants_fragment
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.snippets import Call, Snippet, snippets
from app.datasets import contents, service
from app.datasets.figures import figures_of
from app.datasets.queries import NamedVersion
from app.datasets.rows import Asked, every_row, find_rows, start_of
from app.datasets.tables import VersionStatus
from app.datasets.version_page import address_of, shown_rows, version_page
from ml.data.labels import display_name

router = APIRouter(prefix="/datasets/{dataset}/v/{number}", include_in_schema=False)

ROWS_SHOWN = 25
REJECTS_SHOWN = 50
ROW_FIELDS = ("review_id", "label", "rating", "title", "text", "category", "date", "row")


@router.get("")
@requires(Role.VIEWER)
def show(
    request: Request, work: Reading, services: AppServices, actor: CurrentActor, dataset: str, number: int
) -> Response:
    named = service.find_version(work, dataset, number)
    if wants_fragment(request) and named.version.status != VersionStatus.IMPORTING:
        return Response(status_code=204, headers={"HX-Refresh": "true"})  # the import has ended
    return render(
        request,
        "datasets/version.html",
        block="progress",
        page=version_page(work, services, named),
        may_edit=actor.may(Role.EDITOR),
        snippets=_snippets(request, named),
    )


def _snippets(request: Request, named: NamedVersion) -> list[Snippet]:
    name, number = named.dataset.name, named.version.number
    path = f"/api/v1/datasets/{named.dataset.id}/versions/{number}"
    launch = {"dataset": name, "version": number, "recipe": "quick"}
    return snippets(
        request,
        Call("This version", "GET", path, command=f"dataset show '{name}' --version {number}"),
        Call("Its rejected rows", "GET", f"{path}/rejects"),
        Call(
            "Start a run on it",
            "POST",
            "/api/v1/runs",
            launch,
            f"run start --dataset '{name}' --version {number} --recipe quick",
        ),
    )


@router.get("/figures/{name}.csv")
@requires(Role.VIEWER)
def figure(work: Reading, dataset: str, number: int, name: str) -> Response:
    named = service.find_version(work, dataset, number)
    drawn = figures_of(named, address_of(named)).get(name)
    if drawn is None:
        raise NotFound(f"This version has no figure {name[:60]!r}.", "Its page shows those that it has.")
    header, values = drawn.csv()
    return csv_file(f"{named.version.id}-{name}", header, values)


@router.get("/rows")
@requires(Role.VIEWER)
def rows(request: Request, work: Reading, services: AppServices, dataset: str, number: int) -> Response:
    named = service.find_version(work, dataset, number)
    asked = _asked(request.query_params)
    found = find_rows(services.storage, named.version, asked, ROWS_SHOWN)
    return render(
        request,
        "datasets/rows.html",
        named=named,
        asked=asked,
        found=found,
        rows=shown_rows(named, found),
        shown_label=partial(display_name, labels=named.version.facts.get("labels") or []),
    )


def _asked(query: Mapping[str, str]) -> Asked:
    return Asked(query.get("q", "").strip()[:200], query.get("label", "")[:200], start_of(query.get("after")))


@router.get("/rows.{form}")
@requires(Role.VIEWER)
def rows_file(
    request: Request, work: Reading, services: AppServices, dataset: str, number: int, form: Form
) -> Response:
    named = service.find_version(work, dataset, number)
    columns: list[Column[dict[str, Any]]] = [Column(name, _reading(name)) for name in ROW_FIELDS]
    found = every_row(services.storage, named.version, _asked(request.query_params))
    return list_file(form, f"{named.version.id}-rows", columns, found)


def _reading(name: str) -> Any:
    return lambda row: row[name]


@router.get("/rejects")
@requires(Role.VIEWER)
def rejects(
    request: Request,
    work: Reading,
    services: AppServices,
    dataset: str,
    number: int,
    after: str | None = None,
) -> Response:
    named = service.find_version(work, dataset, number)
    found = contents.rejects(services.storage, named.version, after, REJECTS_SHOWN)
    return render(request, "datasets/rejects.html", named=named, found=found, start=start_of(after))


@router.get("/rejects.{form}")
@requires(Role.VIEWER)
def rejects_file(work: Reading, services: AppServices, dataset: str, number: int, form: Form) -> Response:
    named = service.find_version(work, dataset, number)
    if form is Form.CSV:
        headers = {"Content-Disposition": f'attachment; filename="{named.version.id}-rejects.csv"'}
        lines = contents.rejects_csv(services.storage, named.version)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
    columns: list[Column[dict[str, Any]]] = [Column(each, _reading(each)) for each in contents.COLUMNS]
    return list_file(form, f"{named.version.id}-rejects", columns, _all_rejects(services, named))


def _all_rejects(services: Services, named: NamedVersion) -> Iterator[dict[str, Any]]:
    after: str | None = "0"
    while after is not None:
        found = contents.rejects(services.storage, named.version, after, 1000)
        yield from found.items
        after = found.next


@router.post("/confirmation")
@requires(Role.EDITOR)
def confirm(work: Writing, actor: CurrentActor, dataset: str, number: int) -> Response:
    named = service.confirm_version(work, actor, service.find_version(work, dataset, number))
    return redirect(address_of(named), f"{named.dataset.name} v{number} was confirmed and can be used.")


@router.post("/discard")
@requires(Role.EDITOR)
def discard(work: Writing, actor: CurrentActor, dataset: str, number: int) -> Response:
    named = service.find_version(work, dataset, number)
    service.discard_version(work, actor, named)
    return redirect(address_of(named), f"{named.dataset.name} v{number} was discarded.")


@router.post("/cancellation")
@requires(Role.EDITOR)
def cancel(work: Writing, services: AppServices, actor: CurrentActor, dataset: str, number: int) -> Response:
    named = service.find_version(work, dataset, number)
    service.cancel_import(work, services, actor, named)
    return redirect(address_of(named), f"The import of {named.dataset.name} v{number} is being cancelled.")
