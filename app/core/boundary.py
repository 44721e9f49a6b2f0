"""The outermost layer of the web application: what holds for every request and every answer.

A plain ASGI class rather than the framework's middleware, because its headers must also stand on answers
to errors that nobody expected, and because it must refuse before a body is read.
"""

import re
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from fastapi.responses import PlainTextResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import FittingRoomError, Forbidden, TooLarge
from app.core.ids import new_id
from app.core.problems import answer
from app.core.settings import Settings

log = structlog.get_logger()

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 2 * 1024 * 1024
UPLOADS = re.compile(r"/(api/v1/)?(datasets|uploads)(/|$)")
MULTIPART_OVERHEAD = 1024 * 1024
# Asked by what keeps processes running, under whatever name or number it has for them. They say no secret.
HEALTH = frozenset({"/livez", "/readyz"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers then send the Origin "null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HTTPS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}


class BadHost(FittingRoomError):
    status = 400
    title = "Unknown host"


class ForeignOrigin(Forbidden):
    title = "The request comes from another site"


class Boundary:
    """Wraps the whole application; see the module."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        public = urlsplit(settings.public_url or "")
        self._hosts = {host.lower() for host in (*settings.allowed_hosts, public.hostname or "") if host}
        self._public = public.netloc.lower()
        self._https = public.scheme == "https"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request_id = new_id("req")
        structlog.contextvars.bind_contextvars(request_id=request_id)
        request = Request(scope, receive)
        guarded = _Guarded(request, send, self._https)
        try:
            self._check(request)
            limit = self._limit(request)
            _check_length(request, limit)
            await self._app(scope, _limited(receive, limit), guarded.send)
        except FittingRoomError as error:
            await guarded.refuse(error)
        except Exception as error:  # the web boundary: nothing leaves it but an answer
            log.exception("request_failed", request_id=request.state.request_id, path=request.url.path)
            await guarded.refuse(error)

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "").lower()
        known = "*" in self._hosts or _without_port(host) in self._hosts
        if not known and request.url.path not in HEALTH:
            raise BadHost("This server does not answer to that name.", "Add it to FITTINGROOM_ALLOWED_HOSTS.")
        # A bearer token is not sent by a browser on its own, so there is nothing to forge.
        if request.method not in SAFE_METHODS and "authorization" not in request.headers:
            self._check_origin(request, host)

    def _check_origin(self, request: Request, host: str) -> None:
        site = request.headers.get("sec-fetch-site", "none")
        origin = request.headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() not in {host, self._public} - {""}
        if site not in {"same-origin", "none"} or foreign:
            raise ForeignOrigin("Forms of another site can't act here.", "Open the page here and try again.")

    def _limit(self, request: Request) -> int:
        if UPLOADS.match(request.url.path):
            return self._settings.max_upload_bytes + MULTIPART_OVERHEAD
        return BODY_LIMIT


class _Guarded:
    """The way out: adds the headers, and refuses only as long as nothing was sent."""

    def __init__(self, request: Request, send: Send, https: bool) -> None:
        self._request = request
        self._send = send
        self._headers = {**HEADERS, **(HTTPS_HEADERS if https else {})}
        self._started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request.state.request_id
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def refuse(self, error: Exception) -> None:
        if self._started:
            raise error  # half an answer is out: the server closes the connection
        response = _rendered(self._request, error)
        await response(self._request.scope, self._request.receive, self.send)


def _rendered(request: Request, error: Exception) -> Response:
    try:
        return answer(request, error)
    except Exception:  # the error page itself is broken: still no traceback for the reader
        log.exception("error_page_failed", request_id=request.state.request_id)
        text = f"The server made a mistake. Request {request.state.request_id}."
        return PlainTextResponse(text, 500)


def _check_length(request: Request, limit: int) -> None:
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)


def _limited(receive: Receive, limit: int) -> Receive:
    """Counts what really comes: a Content-Length may lie or be absent."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return limited


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The request is larger than {limit / 1e6:,.0f} MB.",
        "Send less at once, or compress it.",
        limit=limit,
    )


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
