"""The approver's pages: what waits, one version in plain words, all of its changed answers, the decision."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from app.accounts.queries import actor_names
from app.core.errors import Conflict, Invalid, NotFound
from app.core.lists import Form as FileForm
from app.core.lists import list_file
from app.core.pages import redirect, render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services
from app.core.snippets import Call, snippets
from app.registry import approval, briefing, examples, list_files, list_queries, queries, service
from app.registry.forms import decision_of
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus

router = APIRouter(include_in_schema=False)

DECIDED = 20
Offset = Annotated[int, Query(ge=0, le=1_000_000)]


@router.get("/approvals")
@requires(Role.VIEWER)
def approvals(request: Request, work: Reading, q: str = "", after: Offset = 0) -> HTMLResponse:
    waiting = queries.waiting(work.session, q)
    decided = list_queries.decided(work.session, q, after, DECIDED)
    total = list_queries.decided_count(work.session, q)
    ids = [*(each.version.author_id for each in waiting), *(decision.actor_id for decision, _ in decided)]
    return render(
        request,
        "approvals/approvals.html",
        waiting=waiting,
        decided=decided,
        total=total,
        after=after,
        next_offset=after + DECIDED if after + DECIDED < total else None,
        q=q.strip(),
        names=actor_names(work.session, ids),
    )


@router.get("/approvals.{form}")
@requires(Role.VIEWER)
def approvals_file(work: Reading, form: FileForm, q: str = "") -> Response:
    rows = list(list_files.requests(work, q))
    decided = [row.decision.actor_id for row in rows if row.decision]
    names = actor_names(work.session, [*(row.version.author_id for row in rows), *decided])
    return list_file(form, "approvals", list_files.request_columns(names), rows)


@router.get("/approvals/{version_id}")
@requires(Role.VIEWER)
def approval_view(
    request: Request, services: AppServices, actor: CurrentActor, version_id: str
) -> HTMLResponse:
    return _approval(request, services, actor, version_id, None, "")


@router.get("/approvals/{version_id}/examples")
@requires(Role.VIEWER)
def all_examples(
    request: Request, services: AppServices, version_id: str, kind: str = "", after: Offset = 0
) -> HTMLResponse:
    shown = examples.examples_page(services, version_id, kind, after)
    return render(request, "approvals/examples.html", page=shown)


@router.get("/approvals/{version_id}/examples.{form}")
@requires(Role.VIEWER)
def examples_file(services: AppServices, version_id: str, form: FileForm, kind: str = "") -> Response:
    shown = examples.examples_page(services, version_id, kind, 0, examples.FILE_LIMIT)
    name = f"{shown.named.model.name}-v{shown.named.version.number}-{shown.kind}"
    return list_file(form, name, examples.COLUMNS, shown.group.examples)


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
        found = service.find_version(work, model, number).version.id
    try:
        after = decision_of(decision)
        named = approval.decide(services, found, actor, after=after, comment=comment, row_version=row_version)
    except (Conflict, Invalid, NotFound) as error:
        return _approval(request, services, actor, found, error, comment)
    return _decided(services, actor, named)


def _decided(services: Services, actor: Actor, named: NamedVersion) -> Response:
    """To the next one that waits for this person, else to the version, where it can be deployed."""
    with services.works.reading() as work:
        following = briefing.waiting_for(work, services.settings, actor, named.version.id)
    approved = named.version.status == ApprovalStatus.APPROVED
    said = f"{named.model.name} v{named.version.number} was {named.version.status.lower()}."
    if following:
        other = following[0]
        url = f"/approvals/{other.version.id}"
        return redirect(url, f"{said} Next: {other.model.name} v{other.version.number}.")
    url = f"/models/{named.model.name}/versions/{named.version.number}"
    return redirect(url, f"{said} It can be deployed now." if approved else said)


def _approval(
    request: Request,
    services: Services,
    actor: Actor,
    version_id: str,
    error: Conflict | Invalid | NotFound | None,
    comment: str,
) -> HTMLResponse:
    """The page, or the page once more with what was wrong with the decision and the comment kept."""
    with services.works.reading() as work:
        named: NamedVersion = service.get_version(work, version_id)
    shown = briefing.approval_page(services, named, actor)
    version, path = named.version, f"/api/v1/models/{named.model.name}/versions/{named.version.number}"
    body = {"decision": "approve", "comment": "why", "row_version": version.row_version}
    command = f"model approve {named.model.name} {version.number} --comment why"
    return render(
        request,
        "approvals/approval.html",
        status=error.status if error else 200,
        page=shown,
        error=error,
        comment=comment,
        snippets=snippets(request, Call("Decide", "POST", f"{path}/approval", body, command)),
    )
