"""A refusal as its reader wants it: RFC 9457 JSON for programs, a page with advice for people."""

import errno
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.core.errors import Conflict, DiskFull, FittingRoomError, Invalid, Unauthenticated, Unavailable
from app.core.pages import render, wants_fragment

log = structlog.get_logger()

RETRY_SECONDS = 5
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NO_ROOM_WORDS = ("disk is full", "No space left")


class _Problem(JSONResponse):
    """In ASCII: what is refused may be half a surrogate pair, which JSON can carry and UTF-8 can't."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


class NotAnAddress(FittingRoomError):
    """What the framework refuses by itself: an unknown path, a wrong method, a body that can't be parsed."""

    def __init__(self, error: HTTPException) -> None:
        phrase = HTTPStatus(error.status_code).phrase.capitalize()
        super().__init__(_WORDS.get(error.status_code, f"{phrase}."), _ADVICE.get(error.status_code, ""))
        self.status = error.status_code
        self.title = phrase

    @property
    def code(self) -> str:
        return self.title.lower().replace(" ", "_")


_WORDS = {
    404: "There is nothing at this address.",
    405: "This address can't be used in that way.",
    400: "The request could not be read.",
}
_ADVICE = {
    404: "Check the address; what was here may have been deleted.",
    405: "The addresses and their methods are listed in the API's description.",
    400: "Go back, reload the page and try again.",
}


def wants_json(request: Request) -> bool:
    """Always where there are no pages: whoever only predicts has none."""
    if not hasattr(request.app.state, "jinja"):
        return True
    accepted = request.headers.get("accept", "")
    return request.url.path.startswith("/api/") or ("json" in accepted and "text/html" not in accepted)


def as_refusal(error: Exception) -> FittingRoomError:
    """The member of our family that says the same as an exception of a library."""
    if isinstance(error, FittingRoomError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if no_room(error):
        return DiskFull(
            "The server's disk is full; nothing of this was kept.",
            "Make room in the directory of FITTINGROOM_HOME, then try again.",
        )
    if isinstance(error, DataError):
        # PostgreSQL keeps no NUL in a text and no number beyond its column's size.
        return Invalid(
            "A value of this request can't be stored.",
            "Leave out control characters, huge numbers and very long texts.",
        )
    if isinstance(error, IntegrityError):
        # Two that wanted to be the first with the same thing: PostgreSQL lets both look before either writes.
        return Conflict("Somebody did the same at the same moment.", "Reload the page and look.")
    if isinstance(error, PoolTimeout | OperationalError | InternalError):
        return Unavailable("The database does not answer.", "Try again in a moment.")
    if isinstance(error, HTTPException):
        # The framework wraps what was raised while it read the body.
        cause = error.__cause__
        return cause if isinstance(cause, FittingRoomError) else NotAnAddress(error)
    return FittingRoomError(
        "The server made a mistake.",
        "What went wrong stands in the server's log under the request's id. Try again; if it stays, give "
        "the id to whoever runs this installation.",
    )


def no_room(error: Exception) -> bool:
    """Whether the disk is what refused: a file, SQLite or PostgreSQL says so each in its own way."""
    if isinstance(error, OperationalError):
        return any(words in str(error.orig) for words in NO_ROOM_WORDS)
    return isinstance(error, OSError) and error.errno in NO_ROOM


def answer(request: Request, error: Exception) -> Response:
    refusal = as_refusal(error)
    if isinstance(refusal, Unavailable | DiskFull | Conflict) and refusal is not error:
        # A database that is away and a table that is missing look the same to the client, not in the log.
        log.error(refusal.code, request_id=request.state.request_id, exc_info=error)
    headers = _headers(refusal)
    if wants_json(request):
        return _Problem(_problem(request, refusal), refusal.status, headers)
    if isinstance(refusal, Unauthenticated):
        return _to_sign_in(request)
    back = _came_from(request)
    return render(
        request, "errors/error.html", status=refusal.status, headers=headers, error=refusal, back=back
    )


def _came_from(request: Request) -> str:
    """The page whose form was refused: its address, never one of another site."""
    sent = urlsplit(request.headers.get("referer", ""))
    if request.method == "GET" or sent.netloc != request.url.netloc or not sent.path.startswith("/"):
        return ""
    return sent.path + (f"?{sent.query}" if sent.query else "")


def _headers(refusal: FittingRoomError) -> dict[str, str]:
    if refusal.status in (429, 503):
        return {"Retry-After": str(refusal.details.get("retry_after", RETRY_SECONDS))}
    return {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}


def _problem(request: Request, refusal: FittingRoomError) -> dict[str, Any]:
    return {
        **refusal.details,
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.message,
        "advice": refusal.advice,
        "code": refusal.code,
        "request_id": request.state.request_id,
    }


def _to_sign_in(request: Request) -> Response:
    """After signing in the reader comes back to the page, but never repeats a form by accident."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = target if request.method == "GET" and not wants_fragment(request) else "/"
    address = "/login" if back == "/" else f"/login?next={quote(back, safe='/')}"
    if wants_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def _invalid(error: RequestValidationError) -> Invalid:
    """Field and message, never the value: it may be a password."""
    errors = [{"field": _field(each["loc"]), "message": each["msg"]} for each in error.errors()]
    named = "; ".join(f"{each['field']}: {each['message']}" for each in errors[:5])
    return Invalid(f"The request does not fit: {named}.", "Mend the named fields.", errors=errors)


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])
