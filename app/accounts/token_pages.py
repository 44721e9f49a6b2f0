"""Tokens as a page. What is shown once stands in the answer to the form itself, never in an address."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from app.accounts import queries, tokens
from app.accounts.service import role_named
from app.accounts.tables import Token, User
from app.core import lists
from app.core.errors import FittingRoomError
from app.core.lists import Column, list_file
from app.core.pages import redirect, render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.snippets import Call, snippets

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=200)]
Words = Annotated[str, Query(max_length=200)]
LASTING = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until it is revoked"))
USUAL = "90"
COLUMNS = (
    Column[tuple[Token, User]]("id", lambda row: row[0].id),
    Column[tuple[Token, User]]("name", lambda row: row[0].name),
    Column[tuple[Token, User]]("prefix", lambda row: row[0].prefix),
    Column[tuple[Token, User]]("role", lambda row: row[0].role),
    Column[tuple[Token, User]]("owner", lambda row: row[1].name),
    Column[tuple[Token, User]]("created_at", lambda row: row[0].created_at),
    Column[tuple[Token, User]]("used_at", lambda row: row[0].used_at),
    Column[tuple[Token, User]]("expires_at", lambda row: row[0].expires_at),
)


@dataclass(frozen=True)
class Asked:
    """What was typed into the form, and what came of it: the secret, or what was wrong."""

    name: str = ""
    role: str = ""
    days: str = USUAL
    secret: str = ""
    error: FittingRoomError | None = None


@router.get("/settings/tokens")
@requires(Role.VIEWER)
def tokens_page(request: Request, services: AppServices, actor: CurrentActor, q: Words = "") -> Response:
    return _page(request, services, actor, Asked(role=_usual(actor)), q.strip())


@router.get("/settings/tokens.{form}")
@requires(Role.VIEWER)
def tokens_file(work: Reading, actor: CurrentActor, form: lists.Form, q: Words = "") -> Response:
    return list_file(form, "tokens", COLUMNS, queries.tokens_of(work.session, _seen_by(actor), q))


@router.post("/settings/tokens")
@requires(Role.VIEWER)
def create_token(
    request: Request,
    services: AppServices,
    actor: CurrentActor,
    name: Text = "",
    role: Text = "",
    days: Text = "",
) -> Response:
    try:
        with services.works.writing() as work:
            lasting = int(days) if days.isascii() and days.isdigit() else None
            _, secret = tokens.create_token(work, actor, name, role_named(role), lasting)
    except FittingRoomError as error:
        return _page(request, services, actor, Asked(name, role, days, error=error))
    return _page(request, services, actor, Asked(role=_usual(actor), secret=secret))


@router.post("/settings/tokens/{token_id}/revocation")
@requires(Role.VIEWER)
def revoke_token(token_id: str, actor: CurrentActor, work: Writing) -> Response:
    token = tokens.revoke_token(work, actor, token_id)
    return redirect("/settings/tokens", f"The token {token.name} was revoked.")


def _usual(actor: Actor) -> str:
    """A program seldom needs more than to upload and launch."""
    return Role.EDITOR if actor.may(Role.EDITOR) else actor.role


def _seen_by(actor: Actor) -> str | None:
    """One's own; an administrator sees everybody's."""
    return None if actor.may(Role.ADMIN) else actor.id


def _page(request: Request, services: Services, actor: Actor, asked: Asked, q: str = "") -> Response:
    with services.works.reading() as work:
        found = queries.tokens_of(work.session, _seen_by(actor), q)
    return render(
        request,
        "settings/tokens.html",
        status=asked.error.status if asked.error else 200,
        tokens=found,
        q=q,
        roles=[str(role) for role in Role if actor.may(role)],
        lasting=LASTING,
        asked=asked,
        ready=snippets(request, Call("Who am I", "GET", "/api/v1/me"))[0].curl,
        snippets=snippets(
            request,
            Call("Your tokens", "GET", "/api/v1/tokens"),
            Call(
                "Create a token", "POST", "/api/v1/tokens", {"name": "nightly", "role": "editor", "days": 90}
            ),
        ),
    )
