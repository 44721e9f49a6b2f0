"""The settings of one's own: the password, this browser, the sessions; first steps brought back."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from app.accounts import preferences, queries, service, sessions
from app.accounts.access import local_path
from app.accounts.devices import device
from app.accounts.tables import WebSession
from app.core import lists
from app.core.errors import FittingRoomError
from app.core.lists import Column, list_file
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, public, requires
from app.core.services import AppServices, Reading, Writing

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=1100)]
YEAR_SECONDS = 365 * 24 * 3600
FIRST_STEPS = "first_steps"  # the preference by which they are put away
SESSION_COLUMNS = (
    Column[WebSession]("id", lambda each: each.id),
    Column[WebSession]("device", lambda each: device(each.agent)),
    Column[WebSession]("agent", lambda each: each.agent),
    Column[WebSession]("address", lambda each: each.address),
    Column[WebSession]("signed_in_at", lambda each: each.created_at),
    Column[WebSession]("seen_at", lambda each: each.seen_at),
    Column[WebSession]("expires_at", lambda each: each.expires_at),
)


@router.get("/settings")
@requires(Role.VIEWER)
def profile_page(request: Request, work: Reading, actor: CurrentActor) -> Response:
    return _profile(request, preferences.of(work.session, actor.id), None)


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
        with services.works.reading() as work:
            return _profile(request, preferences.of(work.session, actor.id), error)
    return redirect("/settings", "The password was changed. Your other sessions have ended.")


@router.post("/settings/theme")
@public("also the sign-in page has a light and a dark side")
def choose_theme(
    theme: Annotated[Literal["system", "light", "dark"], Form()], next: Text = "/settings"
) -> Response:
    return _of_browser("theme", "" if theme == "system" else theme, next)


@router.post("/settings/keys")
@requires(Role.VIEWER)
def choose_keys(keys: Annotated[Literal["on", "off"], Form()]) -> Response:
    return _of_browser("keys", "off" if keys == "off" else "", "/settings", f"Keyboard shortcuts are {keys}.")


@router.post("/settings/notify")
@requires(Role.VIEWER)
def choose_notify(notify: Annotated[Literal["on", "off"], Form()]) -> Response:
    said = f"Notices of this browser are {notify}."
    return _of_browser("notify", "on" if notify == "on" else "", "/settings/notices", said)


@router.post("/settings/first-steps")
@requires(Role.VIEWER)
def choose_first_steps(
    work: Writing, actor: CurrentActor, show: Annotated[Literal["on", "off"], Form()]
) -> Response:
    preferences.choose(work, actor.id, FIRST_STEPS, "off" if show == "off" else "")
    said = "The first steps are back." if show == "on" else "Put away. Settings brings the first steps back."
    return redirect("/", said)


@router.get("/settings/sessions")
@requires(Role.VIEWER)
def sessions_page(request: Request, work: Reading, actor: CurrentActor) -> Response:
    mine = queries.sessions_of(work.session, actor.id)
    return render(request, "settings/sessions.html", sessions=[(each, device(each.agent)) for each in mine])


@router.get("/settings/sessions.{form}")
@requires(Role.VIEWER)
def sessions_file(work: Reading, actor: CurrentActor, form: lists.Form) -> Response:
    return list_file(form, "sessions", SESSION_COLUMNS, queries.sessions_of(work.session, actor.id))


@router.post("/settings/sessions/revocation")
@requires(Role.VIEWER)
def end_other_sessions(work: Writing, actor: CurrentActor) -> Response:
    count = sessions.end_others(work, actor)
    return redirect("/settings/sessions", f"{count} other session{'s' if count != 1 else ''} ended.")


@router.post("/settings/sessions/{session_id}/revocation")
@requires(Role.VIEWER)
def end_session(session_id: str, actor: CurrentActor, work: Writing) -> Response:
    sessions.end(work, actor.id, session_id)
    return redirect("/settings/sessions", "The session was ended.")


def _of_browser(name: str, value: str, after: str, said: str = "") -> Response:
    """A choice of this browser, not of the account; scripts may read it, it says nothing about anybody."""
    response = redirect(local_path(after), said)
    response.set_cookie(name, value, max_age=YEAR_SECONDS if value else 0, path="/", samesite="lax")
    return response


def _profile(request: Request, chosen: Mapping[str, str], error: FittingRoomError | None) -> Response:
    return render(
        request,
        "settings/profile.html",
        status=error.status if error else 200,
        steps_away=chosen.get(FIRST_STEPS) == "off",
        error=error,
    )
