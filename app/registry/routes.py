"""The registry's pages: models, versions, and the approver's view of one version."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from app.accounts.queries import actor_names
from app.core.errors import Conflict, Invalid
from app.core.pages import render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services
from app.registry import approval, evidence, page, queries, service
from app.registry.forms import decision_of
from app.registry.queries import NamedVersion

router = APIRouter(include_in_schema=False)


@router.get("/models")
@requires(Role.VIEWER)
def models(request: Request, work: Reading, cursor: str | None = None) -> HTMLResponse:
    return render(request, "models/models.html", page=queries.list_models(work.session, cursor))


@router.get("/models/{model}")
@requires(Role.VIEWER)
def model(request: Request, work: Reading, model: str) -> HTMLResponse:
    found = service.find_model(work, model)
    versions = queries.versions_of(work.session, found.id)
    names = actor_names(work.session, [version.author_id for version in versions])
    return render(request, "models/model.html", model=found, versions=versions, names=names)


@router.get("/models/{model}/versions/{number}")
@requires(Role.VIEWER)
def version(
    request: Request, work: Reading, services: AppServices, actor: CurrentActor, model: str, number: int
) -> HTMLResponse:
    named = service.find_version(work, model, number)
    shown = page.version_page(work, services.settings, named, actor)
    return render(request, "models/version.html", page=shown, error=None, comment="")


@router.get("/models/{model}/versions/{number}/files/{path:path}")
@requires(Role.VIEWER)
def file(work: Reading, services: AppServices, model: str, number: int, path: str) -> FileResponse:
    named = service.find_version(work, model, number)
    found = evidence.model_tree(named.version.evidence).find(path)
    name = f"{named.model.name}-v{number}-{found.path.rsplit('/', 1)[-1]}"
    headers = {"ETag": f'"{found.sha256}"'}
    return FileResponse(
        services.storage.local_path(found.sha256), 200, headers, "application/octet-stream", filename=name
    )


@router.post("/models/{model}/versions/{number}/approval")
@requires(Role.APPROVER)
def decide(
    request: Request,
    services: AppServices,
    actor: CurrentActor,
    model: str,
    number: int,
    decision: Annotated[str, Form()],
    row_version: Annotated[int, Form()],
    comment: Annotated[str, Form()] = "",
) -> Response:
    with services.works.reading() as work:
        named = service.find_version(work, model, number)
    try:
        after = decision_of(decision)
        approval.decide(
            services, named.version.id, actor, after=after, comment=comment, row_version=row_version
        )
    except (Conflict, Invalid) as error:
        return _approval(request, services, actor, named.version.id, error, comment)
    return RedirectResponse(f"/models/{named.model.name}/versions/{number}", 303)


@router.get("/approvals")
@requires(Role.VIEWER)
def approvals(request: Request, work: Reading) -> HTMLResponse:
    waiting = queries.waiting(work.session)
    names = actor_names(work.session, [named.version.author_id for named in waiting])
    decided = queries.recent_decisions(work.session)
    names |= actor_names(work.session, [decision.actor_id for decision, _ in decided])
    return render(request, "approvals/approvals.html", waiting=waiting, decided=decided, names=names)


@router.get("/approvals/{version_id}")
@requires(Role.VIEWER)
def approval_view(
    request: Request, services: AppServices, actor: CurrentActor, version_id: str
) -> HTMLResponse:
    return _approval(request, services, actor, version_id, None, "")


def _approval(
    request: Request,
    services: Services,
    actor: Actor,
    version_id: str,
    error: Conflict | Invalid | None,
    comment: str,
) -> HTMLResponse:
    """The page, or the page once more with what was wrong with the decision and the comment kept."""
    with services.works.reading() as work:
        named: NamedVersion = service.get_version(work, version_id)
    shown = page.approval_page(services, named, actor)
    status = error.status if error else 200
    return render(request, "approvals/approval.html", status=status, page=shown, error=error, comment=comment)
