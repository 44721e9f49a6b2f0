"""The page of one model version, its files, and reading its evidence again."""

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response, StreamingResponse

from app.core.errors import Conflict, FittingRoomError, NotFound
from app.core.lists import csv_file
from app.core.pages import redirect, render, size
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services
from app.core.snippets import Call, Snippet, snippets
from app.keeping.queries import kept_of
from app.registry import approval, card, download, evidence, page, queries, service, using, views
from app.registry.page import VersionPage

router = APIRouter(include_in_schema=False)


@router.get("/models/{model}/versions/{number}")
@requires(Role.VIEWER)
def version(
    request: Request, services: AppServices, actor: CurrentActor, model: str, number: int
) -> HTMLResponse:
    return _shown(request, services, actor, model, number)


def _shown(
    request: Request,
    services: Services,
    actor: Actor,
    model: str,
    number: int,
    problem: FittingRoomError | None = None,
) -> HTMLResponse:
    """``problem`` is what reading the evidence again has brought up."""
    with services.works.reading() as work:
        shown = page.version_page(work, services, service.find_version(work, model, number), actor)
    status = problem.status if problem else 200
    calls = _calls(request, shown)
    return render(
        request, "models/version.html", status=status, page=shown, problem=problem, snippets=calls, comment=""
    )


def _calls(request: Request, shown: VersionPage) -> list[Snippet]:
    version, name = shown.detail.version, shown.detail.model.name
    path = f"/api/v1/models/{name}/versions/{version.number}"
    command = f"model show {name} {version.number}"
    predict = [
        Call(
            f"Predict on {endpoint}",
            "POST",
            f"/api/v1/endpoints/{endpoint}/predict",
            {"inputs": ["Runs small in the shoulders."]},
            f"predict {endpoint} 'Runs small in the shoulders.'",
        )
        for endpoint in version.live_on[:1]
    ]
    return snippets(request, *predict, Call("This version", "GET", path, command=command))


@router.post("/models/{model}/versions/{number}/verification")
@requires(Role.EDITOR)
def verify(request: Request, services: AppServices, actor: CurrentActor, model: str, number: int) -> Response:
    with services.works.reading() as work:
        found = service.find_version(work, model, number)
    try:
        files = approval.verify_now(services, found.version, actor)
    except (Conflict, NotFound) as problem:
        return _shown(request, services, actor, model, number, problem)
    read = size(sum(file.size for file in files))
    said = f"All {len(files)} files were read again, {read}: they are what the approval rests on."
    return redirect(f"/models/{found.model.name}/versions/{number}#h-ev", said)


@router.get("/models/{model}/versions/{number}/files/{path:path}")
@requires(Role.VIEWER)
def file(work: Reading, services: AppServices, model: str, number: int, path: str) -> FileResponse:
    named = service.find_version(work, model, number)
    found = evidence.model_tree(named.version.evidence).find(path)
    name = f"{named.model.name}-v{number}-{found.path.rsplit('/', 1)[-1]}"
    headers = {"ETag": f'"{found.sha256}"'}
    services.storage.open(
        found.sha256
    ).close()  # a file that is gone is told as such, before the answer begins
    return FileResponse(
        services.storage.local_path(found.sha256), 200, headers, "application/octet-stream", filename=name
    )


@router.get("/models/{model}/versions/{number}/files.zip")
@requires(Role.VIEWER)
def archive(work: Reading, services: AppServices, model: str, number: int) -> StreamingResponse:
    """The whole directory with its card, written while it is sent."""
    named = service.find_version(work, model, number)
    detail = views.version_detail(work, named)
    text = card.as_markdown(detail, kept_of(work.session, [named.version.id])[named.version.id].note)
    for each in detail.files.files:
        services.storage.open(each.sha256).close()
    folder = using.folder_of(detail)
    sent = download.archive(services.storage, detail.files, folder, {"README.md": text})
    headers = {"Content-Disposition": f'attachment; filename="{folder}.zip"'}
    return StreamingResponse(sent, media_type="application/zip", headers=headers)


@router.get("/models/{model}/versions/{number}/card.md")
@requires(Role.VIEWER)
def card_file(work: Reading, model: str, number: int) -> PlainTextResponse:
    named = service.find_version(work, model, number)
    detail = views.version_detail(work, named)
    text = card.as_markdown(detail, kept_of(work.session, [named.version.id])[named.version.id].note)
    headers = {"Content-Disposition": f'attachment; filename="{using.folder_of(detail)}.md"'}
    return PlainTextResponse(text, 200, headers, "text/markdown; charset=utf-8")


@router.get("/models/{model}/versions/{number}/figures/{name}.csv")
@requires(Role.VIEWER)
def version_figure(work: Reading, model: str, number: int, name: str) -> Response:
    named = service.find_version(work, model, number)
    if name != "metrics" or not named.version.evaluation.get("metrics"):
        raise NotFound(f"There is no figure {name[:40]!r} of this version.", "Its page shows what there is.")
    today = queries.live_version(work.session, named.model.id, named.version.id)
    drawn = page.metrics_figure(named.model.name, named.version, today)
    return csv_file(f"{named.model.name}-v{number}-{name}", *drawn.csv())
