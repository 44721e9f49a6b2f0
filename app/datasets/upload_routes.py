"""From a file to a version: the upload, the choice of its columns, the import. No form needs a script."""

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.core.addresses import address
from app.core.errors import FittingRoomError, Invalid
from app.core.pages import redirect, render, size
from app.core.problems import wants_json
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.work import Work
from app.datasets import forms, queries, service, uploads
from app.datasets.mapping_page import mapping_page
from app.datasets.receiving import Received, received
from app.datasets.tables import Upload
from app.datasets.uploads import FileAtHand
from app.datasets.version_page import address_of

router = APIRouter(include_in_schema=False)


@router.get("/datasets/new")
@requires(Role.EDITOR)
def new_page(request: Request, work: Reading, services: AppServices, name: str = "") -> Response:
    return _new(request, work, services, name, None)


def _new(
    request: Request, work: Work, services: Services, name: str, error: FittingRoomError | None
) -> Response:
    return render(
        request,
        "datasets/new.html",
        status=error.status if error else 200,
        name=name,
        error=error,
        limit=services.settings.max_upload_bytes,
        waiting=queries.waiting_uploads(work.session),
    )


@router.post("/uploads")
@requires(Role.EDITOR)
async def receive(request: Request, services: AppServices, actor: CurrentActor) -> Response:
    """A script asks for JSON: it stays on its page, with the file still chosen, when this is refused."""
    name = ""
    try:
        async with received(request, services) as upload:
            name = upload.fields.get("name", "")
            kept = await run_sync(_keep, services, actor, upload)
    except FittingRoomError as error:
        if wants_json(request):
            raise
        return await run_sync(_refused, request, services, name, error)
    # A name that can't be used costs no upload: the next page asks for another.
    url = address(f"/uploads/{kept.id}", {"name": name or kept.dataset_name})
    if wants_json(request):
        return JSONResponse({"url": url}, 201)
    return redirect(url, f"{kept.filename} was uploaded: {size(kept.size)}.")


def _refused(request: Request, services: Services, name: str, error: FittingRoomError) -> Response:
    with services.works.reading() as work:
        return _new(request, work, services, name, error)


def _keep(services: Services, actor: Actor, upload: Received) -> Upload:
    given = upload.fields.get("name", "").strip()
    name = given[:100] or forms.suggested_name(upload.filename)
    file = FileAtHand(upload.path, upload.filename, upload.sha256)
    found = uploads.look(file, {})
    stored = uploads.store(services.storage, file)
    with services.works.writing() as work:
        return uploads.keep(work, services.storage, actor, file, stored, name, found)


@router.get("/uploads/{upload_id}")
@requires(Role.EDITOR)
def choose_columns(request: Request, work: Reading, upload_id: str) -> Response:
    """The choices stand in the query, so that a plain form previews them."""
    return _mapping(request, work, uploads.get(work, upload_id), dict(request.query_params), None)


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
        with services.works.reading() as work:
            return _mapping(request, work, upload, form, error)
    return redirect(address_of(named), f"{named.dataset.name} v{named.version.number} is being imported.")


def _mapping(
    request: Request, work: Work, upload: Upload, form: dict[str, str], error: Invalid | None
) -> Response:
    try:
        mapping = uploads.chosen_mapping(upload, forms.mapping_choices(form))
    except Invalid as refused:
        mapping, error = upload.peek["mapping"], error or refused
    return render(
        request,
        "uploads/mapping.html",
        block="preview",
        status=error.status if error else 200,
        page=mapping_page(work, upload, mapping, form.get("name", upload.dataset_name)),
        imported=queries.versions_from(work.session, upload.id),
        error=error,
    )


@router.post("/uploads/{upload_id}/discard")
@requires(Role.EDITOR)
def discard(work: Writing, actor: CurrentActor, upload_id: str) -> Response:
    upload = uploads.get(work, upload_id)
    uploads.discard(work, actor, upload)
    return redirect("/datasets", f"The upload {upload.filename} was discarded.")
