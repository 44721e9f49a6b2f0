"""Every request is counted, timed and told in one line of the log; outermost, so none is missed.

Routes are named by their template: a raw path would make a new series of every run, and put names and words
of a search into the log.
"""

import time

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.instruments import Instruments

log = structlog.get_logger()

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked every few seconds by programs: told only where somebody looks for them.
QUIET = frozenset({"/livez", "/readyz", "/metrics", "/static"})
GONE = 499  # the client went away before its answer began
NOTED_PARAMETERS = ("run_id", "upload_id", "subject_id", "version_id", "endpoint")


class Observed:
    def __init__(self, app: ASGIApp, instruments: Instruments) -> None:
        self._app = app
        self._instruments = instruments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        started = time.perf_counter()
        answer = _Answer(send)
        self._instruments.underway.inc()
        try:
            await self._app(scope, receive, answer.send)
        finally:
            self._instruments.underway.dec()
            self._note(scope, answer, time.perf_counter() - started)

    def _note(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        route = template_of(scope)
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        self._instruments.requests.labels(method, route, str(answer.status)).inc()
        if not answer.streams:
            self._instruments.seconds.labels(method, route).observe(seconds)
        if route in QUIET:
            log.debug("request", **_line(scope, method, route, answer.status, seconds))
            return
        self._instruments.lately.note(seconds, time.time())
        log.info("request", **_line(scope, method, route, answer.status, seconds))


class _Answer:
    """What is known of the answer once its first bytes have gone out."""

    def __init__(self, send: Send) -> None:
        self.status = GONE
        self.streams = False
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kind = Headers(raw=message["headers"]).get("content-type", "")
            self.streams = kind.startswith("text/event-stream")
        await self._send(message)


def template_of(scope: Scope) -> str:
    """``/runs/{run_id}``; one word for all addresses that no route has."""
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    return "/static" if scope["path"].startswith("/static/") else "none"


def _line(scope: Scope, method: str, route: str, status: int, seconds: float) -> dict[str, object]:
    state = scope.get("state", {})
    actor = state.get("actor")
    given = scope.get("path_params", {})
    noted = {name: str(given[name])[:60] for name in NOTED_PARAMETERS if name in given}
    return {
        "method": method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "actor_id": actor.id if actor else None,
        "request_id": state.get("request_id"),
        **noted,
    }
