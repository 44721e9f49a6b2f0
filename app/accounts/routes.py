"""The doors: signing in and out, and the one-time link by which a password is chosen."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.accounts import service, sessions
from app.accounts.access import clear_cookie, client_of, local_path, set_cookie
from app.accounts.queries import live_link, user_by_id
from app.accounts.sessions import WrongPassword
from app.core.errors import FittingRoomError
from app.core.pages import render
from app.core.security import public
from app.core.services import AppServices, Reading, Services, Writing

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=1100)]


@router.get("/login")
@public("the page on which one signs in")
def login_page(request: Request, next: Annotated[str, Query()] = "/") -> Response:
    if request.state.actor is not None:
        return RedirectResponse(local_path(next), 303)
    return render(request, "accounts/login.html", next=local_path(next), name="", error=None)


@router.post("/login")
@public("signing in")
def login(
    request: Request, services: AppServices, name: Text = "", password: Text = "", next: Text = "/"
) -> Response:
    try:
        secret = _sign_in(request, services, name.strip().lower(), password)
    except FittingRoomError as error:
        return render(
            request, "accounts/login.html", status=error.status, next=local_path(next), name=name, error=error
        )
    response = RedirectResponse(local_path(next), 303)
    set_cookie(request, response, secret)
    return response


@router.post("/logout")
@public("signing out, also with a session that has ended")
def logout(request: Request, work: Writing) -> Response:
    actor = request.state.actor
    if actor is not None and actor.session_id:
        sessions.end(work, actor.id, actor.session_id)
    response = RedirectResponse("/login", 303)
    clear_cookie(request, response)
    return response


@router.get("/setup")
@public("reached with a one-time link only")
def setup_page(request: Request, work: Reading, token: Annotated[str, Query()] = "") -> Response:
    link = live_link(work.session, token)
    if link is None:
        raise service.LinkSpent("This link was used, replaced or has expired.", "Ask for a new one.")
    user = user_by_id(work.session, link.user_id) if link.user_id else None
    return render(request, "accounts/setup.html", token=token, user=user, name="", error=None)


@router.post("/setup")
@public("needs the secret of a one-time link")
def setup(
    request: Request,
    services: AppServices,
    token: Text = "",
    name: Text = "",
    password: Text = "",
    again: Text = "",
) -> Response:
    try:
        secret = _set_up(request, services, token, name, password, again)
    except service.LinkSpent:
        raise
    except FittingRoomError as error:
        return _setup_again(request, services, token, name, error)
    response = RedirectResponse("/", 303)
    set_cookie(request, response, secret)
    return response


def _sign_in(request: Request, services: Services, name: str, password: str) -> str:
    """Compares the password while no transaction is open: it takes a while, and writers would wait."""
    client = client_of(request)
    with services.works.reading() as work:
        sessions.check_rate(work.session, name, client.address)
        user = sessions.verify_password(work.session, name, password)
    with services.works.writing() as work:
        if user is not None:
            return sessions.start(work, user, client)
        sessions.note_failure(work, name, client)
    raise WrongPassword("Name and password don't match.", "Check both; capitals count in the password.")


def _set_up(request: Request, services: Services, token: str, name: str, password: str, again: str) -> str:
    with services.works.writing() as work:
        if password != again:
            raise service.PasswordsDiffer("The two passwords differ.", "Type the same one twice.")
        user = service.redeem_link(work, token, name, password)
        return sessions.start(work, user, client_of(request))


def _setup_again(
    request: Request, services: Services, token: str, name: str, error: FittingRoomError
) -> Response:
    with services.works.reading() as work:
        link = live_link(work.session, token)
        user = user_by_id(work.session, link.user_id) if link and link.user_id else None
    return render(
        request, "accounts/setup.html", status=error.status, token=token, user=user, name=name, error=error
    )
