"""The pages of data sets and uploads. Every form works without a script."""

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from app.core.errors import Invalid
from app.core.pages import render, wants_fragment
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.datasets import forms, page, queries, samples, service, uploads
from app.datasets.queries import NamedVersion
from app.datasets.receiving import Received, received
from app.datasets.tables import Upload, VersionStatus
from app.datasets.uploads import FileAtHand

router = APIRouter(include_in_schema=False)


@router.get("/datasets")
@requires(Role.VIEWER)
def list_page(request: Request, work: Reading, actor: CurrentActor, cursor: str | None = None) -> Response:
    found = queries.list_datasets(work.session, cursor)
    return render(
        request,
        "datasets/list.html",
        found=found,
        rows=page.list_rows(found.items),
        cursor=cursor,
        may_edit=actor.may(Role.EDITOR),
    )


@router.get("/datasets/new")
@requires(Role.EDITOR)
def new_page(request: Request, services: AppServices, name: str = "") -> Response:
    return _new(request, services, name, None)


def _new(request: Request, services: Services, name: str, error: Invalid | None) -> Response:
    return render(
        request,
        "datasets/new.html",
        status=error.status if error else 200,
        name=name,
        error=error,
        limit=services.settings.max_upload_bytes,
    )


@router.post("/uploads")
@requires(Role.EDITOR)
async def receive(request: Request, services: AppServices, actor: CurrentActor) -> Response:
    name = ""
    try:
        async with received(request, services) as upload:
            name = upload.fields.get("name", "")
            kept = await run_sync(_keep, services, actor, upload)
    except Invalid as error:
        return _new(request, services, name, error)
    return RedirectResponse(f"/uploads/{kept.id}", 303)


def _keep(services: Services, actor: Actor, upload: Received) -> Upload:
    name = forms.dataset_name(upload.fields.get("name"))
    file = FileAtHand(upload.path, upload.filename, upload.sha256)
    found = uploads.look(file, {})
    stored = uploads.store(services.storage, file)
    with services.works.writing() as work:
        return uploads.keep(work, services.storage, actor, file, stored, name, found)


@router.get("/uploads/{upload_id}")
@requires(Role.EDITOR)
def mapping_page(request: Request, work: Reading, upload_id: str) -> Response:
    """The choices stand in the query, so that a plain form previews them."""
    upload = uploads.get(work, upload_id)
    return _mapping(request, upload, dict(request.query_params), None)


@router.post("/uploads/{upload_id}/import")
@requires(Role.EDITOR)
async def begin_import(
    request: Request, services: AppServices, actor: CurrentActor, upload_id: str
) -> Response:
    form = {key: str(value) for key, value in (await request.form()).items()}
    return await run_sync(_begin, request, services, actor, upload_id, form)


def _begin(
    request: Request, services: Services, actor: Actor, upload_id: str, form: dict[str, str]
) -> Response:
    with services.works.reading() as work:
        upload = uploads.get(work, upload_id)
    try:
        name = forms.dataset_name(form.get("name"))
        mapping = uploads.chosen_mapping(upload, forms.mapping_choices(form))
        with services.works.writing() as work:
            named = service.start_import(work, services, actor, upload, name, mapping)
    except Invalid as error:
        return _mapping(request, upload, form, error)
    return RedirectResponse(_address(named), 303)


def _mapping(request: Request, upload: Upload, form: dict[str, str], error: Invalid | None) -> Response:
    try:
        mapping = uploads.chosen_mapping(upload, forms.mapping_choices(form))
    except Invalid as refused:
        mapping, error = upload.peek["mapping"], error or refused
    return render(
        request,
        "uploads/mapping.html",
        status=error.status if error else 200,
        upload=upload,
        name=form.get("name", upload.dataset_name),
        mapping=mapping,
        columns=page.choices(upload),
        preview=page.preview(upload, mapping),
        error=error,
    )


@router.post("/datasets/sample")
@requires(Role.EDITOR)
def load_sample(services: AppServices, actor: CurrentActor) -> Response:
    return RedirectResponse(_address(samples.load(services, actor)), 303)


@router.get("/datasets/{dataset}")
@requires(Role.VIEWER)
def dataset_page(work: Reading, dataset: str) -> Response:
    """A data set is shown by its newest version; the others are listed there."""
    return RedirectResponse(_address(service.newest_version(work, dataset)), 303)


@router.get("/datasets/{dataset}/v/{number}")
@requires(Role.VIEWER)
def version_page(
    request: Request,
    work: Reading,
    services: AppServices,
    actor: CurrentActor,
    dataset: str,
    number: int,
    rejects: str | None = None,
) -> Response:
    named = service.find_version(work, dataset, number)
    if wants_fragment(request) and named.version.status == VersionStatus.IMPORTING:
        return Response(status_code=204)  # nothing new: the page asks again
    return _version(request, work, services, actor, named, rejects)


def _version(
    request: Request, work: Any, services: Services, actor: Actor, named: NamedVersion, cursor: str | None
) -> Response:
    return render(
        request,
        "datasets/version.html",
        block="main",
        page=page.version_page(work, services, named, cursor),
        may_edit=actor.may(Role.EDITOR),
    )


@router.post("/datasets/{dataset}/v/{number}/confirmation")
@requires(Role.EDITOR)
def confirm(work: Writing, actor: CurrentActor, dataset: str, number: int) -> Response:
    named = service.confirm_version(work, actor, service.find_version(work, dataset, number))
    return RedirectResponse(_address(named), 303)


def _address(named: NamedVersion) -> str:
    return f"/datasets/{named.dataset.id}/v/{named.version.number}"
