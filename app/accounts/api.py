"""Accounts over REST: who am I, tokens, users, the audit."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.accounts import audit, audit_queries, queries, service, tokens
from app.accounts.audit_queries import AuditFilter
from app.accounts.forms import TokenRequest, UserChange, UserRequest
from app.accounts.views import entry_json, token_json, user_json
from app.core.origin import origin_of
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Writing

router = APIRouter(prefix="/api/v1", tags=["accounts"])

Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("/me")
@requires(Role.VIEWER)
def me(actor: CurrentActor) -> dict[str, Any]:
    return {"id": actor.id, "name": actor.name, "role": actor.role}


@router.get("/tokens")
@requires(Role.VIEWER)
def list_tokens(actor: CurrentActor, work: Reading) -> dict[str, Any]:
    """One's own; an administrator sees everybody's."""
    owner = None if actor.may(Role.ADMIN) else actor.id
    items = [token_json(token, user.name) for token, user in queries.tokens_of(work.session, owner)]
    return {"items": items, "total": len(items), "next": None}


@router.post("/tokens", status_code=201)
@requires(Role.VIEWER)
def create_token(wanted: TokenRequest, actor: CurrentActor, work: Writing) -> dict[str, Any]:
    """The answer is the only place where the token itself ever stands."""
    token, secret = tokens.create_token(work, actor, wanted.name, wanted.role, wanted.days)
    return {**token_json(token, actor.name), "token": secret}


@router.delete("/tokens/{token_id}", status_code=204)
@requires(Role.VIEWER)
def revoke_token(token_id: str, actor: CurrentActor, work: Writing) -> Response:
    tokens.revoke_token(work, actor, token_id)
    return Response(status_code=204)


@router.get("/users")
@requires(Role.ADMIN)
def list_users(work: Reading) -> dict[str, Any]:
    items = [user_json(user) for user in queries.list_users(work.session)]
    return {"items": items, "total": len(items), "next": None}


@router.post("/users", status_code=201)
@requires(Role.ADMIN)
def create_user(request: Request, wanted: UserRequest, actor: CurrentActor, work: Writing) -> dict[str, Any]:
    user, link = service.create_user(work, actor, wanted.name, wanted.role, wanted.password)
    return {**user_json(user), "setup_link": link and service.setup_address(origin_of(request), link)}


@router.patch("/users/{user_id}")
@requires(Role.ADMIN)
def change_user(user_id: str, wanted: UserChange, actor: CurrentActor, work: Writing) -> dict[str, Any]:
    user = service.find_user(work.session, user_id)
    if wanted.role is not None:
        user = service.change_role(work, actor, user_id, wanted.role)
    if wanted.disabled is not None:
        user = service.set_disabled(work, actor, user_id, wanted.disabled)
    return user_json(user)


@router.get("/audit")
@requires(Role.ADMIN)
def list_audit(
    work: Reading,
    actor_id: str | None = None,
    action: str | None = None,
    subject_id: str | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
    since: date | None = None,
    until: date | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """``since`` and ``until`` are days in UTC, both of them included."""
    first, after = _start(since), _start(until + timedelta(days=1) if until else None)
    narrowed = AuditFilter(actor_id, action, subject_id, q, first, after)
    page = audit_queries.list_audit(work.session, narrowed, cursor, limit)
    names = queries.actor_names(work.session, [entry.actor_id for entry in page.items])
    items = [entry_json(entry, names) for entry in page.items]
    return {"items": items, "total": page.total, "next": page.next}


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


@router.get("/audit/verification")
@requires(Role.ADMIN)
def verify_audit(work: Reading, services: AppServices) -> dict[str, Any]:
    """Whether the chain holds, also against the anchors outside the database."""
    problem = audit.verify(work.session, audit.anchor_file(services.settings.home))
    return {"intact": problem is None, "problem": problem}
