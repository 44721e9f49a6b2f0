"""Leaving without breaking a request: SIGTERM first makes this process say that it leaves.

The server that runs us stops to listen at once, and whoever was about to send would be refused. So the
signal first turns ``/readyz`` to 503 and asks clients to close their connections, for ``drain_seconds``,
while everything is still answered; only then it goes on to the server. Event streams end at that moment:
their readers come back to another process, or to this one's successor.
"""

import asyncio
import signal
import threading
from types import FrameType
from typing import Any

import structlog
from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.changes import Watcher

log = structlog.get_logger()


class Leaving:
    """``now`` once SIGTERM has come. A second one is handed on at once."""

    def __init__(self, seconds: float, watcher: Watcher) -> None:
        self.now = False
        self._seconds = seconds
        self._watcher = watcher
        self._before: Any = None

    def listen(self) -> None:
        """In front of the server's own handler, which is there by the time the application starts."""
        if threading.current_thread() is not threading.main_thread():
            return  # under a test's client nobody sends signals
        handler = signal.getsignal(signal.SIGTERM)
        if callable(handler):
            self._before = handler
            self._loop = asyncio.get_running_loop()
            signal.signal(signal.SIGTERM, self._told)

    def forget(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _told(self, signum: int, frame: FrameType | None) -> None:
        # Within a signal handler: hand over to the loop and nothing else.
        if self.now:
            self._before(signum, frame)
            return
        self.now = True
        self._loop.call_soon_threadsafe(self._begin, signum)

    def _begin(self, signum: int) -> None:
        log.info("leaving", seconds=self._seconds)
        self._loop.call_later(self._seconds, self._go, signum)

    def _go(self, signum: int) -> None:
        self._watcher.end_all()
        self._before(signum, None)


class AskingToClose:
    """While this process leaves, each answer asks its client for a new connection the next time."""

    def __init__(self, app: ASGIApp, leaving: Leaving) -> None:
        self._app = app
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def closing(message: Message) -> None:
            if self._leaving.now and message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, closing if scope["type"] == "http" else send)


def leaving_of(request: Request) -> Leaving:
    return of_app(request.app)


def of_app(app: FastAPI) -> Leaving:
    leaving: Leaving = app.state.leaving
    return leaving
