"""The settings pages: one's own account, sessions and tokens; the users, for administrators.

What is shown once (a token, a link) stands in the answer to the form itself, never in an address.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.accounts import queries, service, sessions, tokens
from app.accounts.access import local_path
from app.core.errors import FittingRoomError
from app.core.pages import render
from app.core.security import CurrentActor, Role, public, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.work import Work

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=1100)]
YEAR_SECONDS = 365 * 24 * 3600


@router.get("/settings")
@requires(Role.VIEWER)
def account_page(request: Request, work: Reading, saved: str = "") -> Response:
    return _account(request, work, saved=saved)


@router.post("/settings/password")
@requires(Role.VIEWER)
def change_password(
    request: Request,
    services: AppServices,
    actor: CurrentActor,
    current: Text = "",
    new: Text = "",
    again: Text = "",
) -> Response:
    try:
        if new != again:
            raise service.PasswordsDiffer("The two new passwords differ.", "Type the same one twice.")
        with services.works.writing() as work:
            service.change_password(work, actor, current, new)
    except FittingRoomError as error:
        return _account_again(request, services, error)
    return RedirectResponse("/settings?saved=password", 303)


@router.post("/settings/theme")
@public("also the sign-in page has a light and a dark side")
def choose_theme(
    theme: Annotated[Literal["system", "light", "dark"], Form()], next: Text = "/settings"
) -> Response:
    return _preference("theme", "" if theme == "system" else theme, next)


@router.post("/settings/keys")
@requires(Role.VIEWER)
def choose_keys(keys: Annotated[Literal["on", "off"], Form()]) -> Response:
    return _preference("keys", "off" if keys == "off" else "", "/settings")


@router.post("/settings/sessions/{session_id}/revocation")
@requires(Role.VIEWER)
def end_session(session_id: str, actor: CurrentActor, work: Writing) -> Response:
    sessions.end(work, actor.id, session_id)
    return RedirectResponse("/settings", 303)


@router.get("/settings/tokens")
@requires(Role.VIEWER)
def tokens_page(request: Request, work: Reading) -> Response:
    return _tokens(request, work)


@router.post("/settings/tokens")
@requires(Role.VIEWER)
def create_token(
    request: Request, services: AppServices, actor: CurrentActor, name: Text = "", role: Text = ""
) -> Response:
    secret, error = "", None
    try:
        with services.works.writing() as work:
            _, secret = tokens.create_token(work, actor, name, _role(role))
    except FittingRoomError as refused:
        error = refused
    with services.works.reading() as work:
        return _tokens(request, work, secret=secret, error=error, name=name if error else "")


@router.post("/settings/tokens/{token_id}/revocation")
@requires(Role.VIEWER)
def revoke_token(token_id: str, actor: CurrentActor, work: Writing) -> Response:
    tokens.revoke_token(work, actor, token_id)
    return RedirectResponse("/settings/tokens", 303)


@router.get("/settings/users")
@requires(Role.ADMIN)
def users_page(request: Request, work: Reading) -> Response:
    return _users(request, work)


@router.post("/settings/users")
@requires(Role.ADMIN)
def create_user(
    request: Request, services: AppServices, actor: CurrentActor, name: Text = "", role: Text = ""
) -> Response:
    try:
        with services.works.writing() as work:
            user, secret = service.create_user(work, actor, name, _role(role))
    except FittingRoomError as error:
        with services.works.reading() as work:
            return _users(request, work, error=error, name=name, role=role)
    with services.works.reading() as work:
        return _users(request, work, invited=user, link=_link(request, secret))


@router.post("/settings/users/{user_id}/link")
@requires(Role.ADMIN)
def renew_link(request: Request, user_id: str, services: AppServices, actor: CurrentActor) -> Response:
    with services.works.writing() as work:
        user, secret = service.renew_link(work, actor, user_id)
    with services.works.reading() as work:
        return _users(request, work, invited=user, link=_link(request, secret))


@router.post("/settings/users/{user_id}/role")
@requires(Role.ADMIN)
def change_role(user_id: str, actor: CurrentActor, work: Writing, role: Text = "") -> Response:
    service.change_role(work, actor, user_id, _role(role))
    return RedirectResponse("/settings/users", 303)


@router.post("/settings/users/{user_id}/status")
@requires(Role.ADMIN)
def change_status(
    user_id: str, actor: CurrentActor, work: Writing, status: Annotated[Literal["active", "disabled"], Form()]
) -> Response:
    service.set_disabled(work, actor, user_id, status == "disabled")
    return RedirectResponse("/settings/users", 303)


def _role(value: str) -> Role:
    try:
        return Role(value)
    except ValueError:
        raise service.NoSuchRole(f"There is no role {value[:20]!r}.", f"Roles: {', '.join(Role)}.") from None


def _link(request: Request, secret: str | None) -> str:
    """The address that this browser uses is the one that its reader can pass on."""
    return str(request.url_for("setup_page").include_query_params(token=secret or ""))


def _preference(name: str, value: str, after: str) -> Response:
    """A choice of this browser, not of the account; scripts may read it, it says nothing about anybody."""
    response = RedirectResponse(local_path(after), 303)
    response.set_cookie(name, value, max_age=YEAR_SECONDS if value else 0, path="/", samesite="lax")
    return response


def _account_again(request: Request, services: Services, error: FittingRoomError) -> Response:
    with services.works.reading() as work:
        return _account(request, work, error=error)


def _account(
    request: Request, work: Work, *, error: FittingRoomError | None = None, saved: str = ""
) -> Response:
    return render(
        request,
        "settings/account.html",
        status=error.status if error else 200,
        sessions=queries.sessions_of(work.session, request.state.actor.id),
        error=error,
        saved=saved,
    )


def _tokens(
    request: Request, work: Work, *, secret: str = "", error: FittingRoomError | None = None, name: str = ""
) -> Response:
    actor = request.state.actor
    owner = None if actor.may(Role.ADMIN) else actor.id
    return render(
        request,
        "settings/tokens.html",
        status=error.status if error else 200,
        tokens=queries.tokens_of(work.session, owner),
        roles=[role for role in Role if actor.may(role)],
        secret=secret,
        error=error,
        name=name,
    )


def _users(
    request: Request,
    work: Work,
    *,
    invited: object = None,
    link: str = "",
    error: FittingRoomError | None = None,
    name: str = "",
    role: str = "editor",
) -> Response:
    return render(
        request,
        "settings/users.html",
        status=error.status if error else 200,
        users=queries.list_users(work.session),
        roles=list(Role),
        invited=invited,
        link=link,
        error=error,
        name=name,
        role=role,
    )
