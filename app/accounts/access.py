"""The one check every route passes: who is it, and may they? A route that names no permission is refused."""

import re
from datetime import UTC, datetime

from fastapi import Request, Response

from app.accounts import queries, sessions, tokens
from app.accounts.sessions import LIFETIME, SEEN_EVERY, Client
from app.accounts.tables import Token, User, WebSession
from app.core.errors import FittingRoomError, Forbidden, Unauthenticated
from app.core.security import Actor, Role, permission_of
from app.core.services import services_of

LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x1f]*")


def authorize(request: Request) -> None:
    """The dependency of the whole application."""
    request.state.actor = actor = authenticate(request)
    permission = permission_of(request.scope["endpoint"])
    if permission is None:
        raise Forbidden("Nobody may use this address.", "This is a mistake of ours: please report it.")
    if permission.role is None:
        return
    if actor is None:
        raise Unauthenticated("This needs a signed-in user.", "Sign in, or send a bearer token.")
    if not actor.may(permission.role):
        raise Forbidden(
            f"This needs the role {permission.role}; yours is {actor.role}.",
            "Ask an administrator for the role.",
            needed=str(permission.role),
        )


def still_permitted(request: Request) -> bool:
    """Asked again while a stream is open: a logout or a revoked token ends it."""
    try:
        authorize(request)
    except FittingRoomError:
        return False
    return True


def authenticate(request: Request) -> Actor | None:
    """Whoever the bearer token or the cookie says. A token that doesn't hold is an error, not nobody."""
    bearer = _bearer(request)
    if bearer is not None:
        return _by_token(request, bearer)
    cookie = request.cookies.get(cookie_name(request))
    return _by_cookie(request, cookie) if cookie else None


def cookie_name(request: Request) -> str:
    """``__Host-`` needs Secure, which needs https. On loopback, one name for each port's installation."""
    return "__Host-fittingroom" if _is_https(request) else f"fittingroom_{services_of(request).settings.port}"


def set_cookie(request: Request, response: Response, secret: str) -> None:
    response.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(request: Request, response: Response) -> None:
    response.delete_cookie(
        cookie_name(request), path="/", secure=_is_https(request), httponly=True, samesite="lax"
    )


def client_of(request: Request) -> Client:
    """The address is the peer's: a forwarded header counts only where the server was told to trust it."""
    address = request.client.host if request.client else "unknown"
    return Client(address[:60], request.headers.get("user-agent", "")[:300])


def local_path(path: str | None) -> str:
    """Where to go after signing in: a path of this site, whatever the query said."""
    return path if path and LOCAL_PATH.fullmatch(path) else "/"


def _is_https(request: Request) -> bool:
    public_url = services_of(request).settings.public_url or ""
    return request.url.scheme == "https" or public_url.startswith("https://")


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, value = header.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _by_token(request: Request, secret: str) -> Actor:
    with services_of(request).works.reading() as work:
        found = queries.live_token(work.session, secret)
    if found is None:
        raise Unauthenticated(
            "This token is unknown, was revoked or has expired.", "Create a new one under Settings."
        )
    token, user = found
    if _stale(token.used_at):
        with services_of(request).works.writing() as work:
            tokens.touch(work, token.id)
    return Actor(user.id, user.name, _lower(user, token))


def _by_cookie(request: Request, secret: str) -> Actor | None:
    with services_of(request).works.reading() as work:
        found: tuple[WebSession, User] | None = queries.live_session(work.session, secret)
    if found is None:
        return None
    session, user = found
    if _stale(session.seen_at):
        with services_of(request).works.writing() as work:
            sessions.touch(work, session.id)
    return Actor(user.id, user.name, user.permitted, session.id)


def _stale(moment: datetime | None) -> bool:
    return moment is None or datetime.now(UTC) - moment > SEEN_EVERY


def _lower(user: User, token: Token) -> Role:
    granted = Role(token.role)
    return granted if user.permitted.includes(granted) else user.permitted
