"""REST under /api/v1/datasets."""

from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.work import Work
from app.datasets import contents, forms, queries, service, uploads, views
from app.datasets.queries import NamedVersion
from app.datasets.receiving import Received, received
from app.datasets.uploads import FileAtHand

router = APIRouter(prefix="/api/v1/datasets", tags=["data sets"])
Limit = Annotated[int, Query(ge=1, le=500)]


@router.post("", status_code=202)
@requires(Role.EDITOR)
async def create(request: Request, services: AppServices, actor: CurrentActor) -> dict[str, Any]:
    """Multipart: ``file``, ``name``, and ``mapping`` as JSON if the guess would be wrong."""
    async with received(request, services) as upload:
        return await run_sync(_import, services, actor, upload)


def _import(services: Services, actor: Actor, upload: Received) -> dict[str, Any]:
    """In a thread of its own: it looks into the file, hashes and syncs it, and writes to the database."""
    name = forms.dataset_name(upload.fields.get("name"))
    mapping = forms.mapping_field(upload.fields.get("mapping"))
    file = FileAtHand(upload.path, upload.filename, upload.sha256)
    found = uploads.look(file, mapping)
    uploads.require(found["mapping"], found["columns"])
    stored = uploads.store(services.storage, file)
    with services.works.writing() as work:
        kept = uploads.keep(work, services.storage, actor, file, stored, name, found)
        return views.dataset_json(service.start_import(work, services, actor, kept, name, found["mapping"]))


@router.get("")
@requires(Role.VIEWER)
def list_all(work: Reading, cursor: str | None = None, limit: Limit = 50) -> dict[str, Any]:
    page = queries.list_datasets(work.session, cursor, limit)
    items = [views.dataset_json(named) for named in page.items]
    return {"items": items, "total": page.total, "next": page.next}


@router.get("/{dataset}")
@requires(Role.VIEWER)
def show(dataset: str, work: Reading) -> dict[str, Any]:
    newest = service.newest_version(work, dataset)
    versions = queries.versions_of(work.session, newest.dataset.id)
    return {**views.dataset_json(newest), "versions": [views.version_json(named) for named in versions]}


@router.get("/{dataset}/versions")
@requires(Role.VIEWER)
def versions(dataset: str, work: Reading) -> dict[str, Any]:
    found = queries.versions_of(work.session, service.find_dataset(work, dataset).id)
    return {"items": [views.version_json(named) for named in found], "total": len(found), "next": None}


@router.get("/{dataset}/versions/{number}")
@requires(Role.VIEWER)
def show_version(dataset: str, number: int, work: Reading) -> dict[str, Any]:
    named = _version(work, dataset, number)
    return {**views.version_json(named), "summary": named.version.facts.get("summary")}


@router.get("/{dataset}/versions/{number}/rejects")
@requires(Role.VIEWER)
def rejects(
    dataset: str,
    number: int,
    work: Reading,
    services: AppServices,
    cursor: str | None = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    page = contents.rejects(services.storage, _version(work, dataset, number).version, cursor, limit)
    return {"items": page.items, "total": page.total, "next": page.next}


@router.get("/{dataset}/versions/{number}/rejects.csv")
@requires(Role.VIEWER)
def rejects_csv(dataset: str, number: int, work: Reading, services: AppServices) -> StreamingResponse:
    named = _version(work, dataset, number)
    disposition = f'attachment; filename="rejects-{named.version.id}.csv"'
    return StreamingResponse(
        contents.rejects_csv(services.storage, named.version),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": disposition},
    )


@router.post("/{dataset}/versions/{number}/confirmation")
@requires(Role.EDITOR)
def confirm(dataset: str, number: int, work: Writing, actor: CurrentActor) -> dict[str, Any]:
    return views.version_json(service.confirm_version(work, actor, _version(work, dataset, number)))


def _version(work: Work, dataset: str, number: int) -> NamedVersion:
    return service.find_version(work, dataset, number)
