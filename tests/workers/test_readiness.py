"""What the supervisor makes of the answer to "are you ready?", over a real socket."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.workers.test_stack import free_port
from workers.stack import WAYS_OUT, missing_parts

Answering = Callable[[int, bytes], int]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """``answering(503, body)`` is the port of a server that says this to everybody."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet: the test's own output is enough."""

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_is_missing_is_named(answering: Answering) -> None:
    checks = {"database": True, "disk": False, "broker": True}
    body = json.dumps({"status": "unavailable", "checks": checks}).encode()
    assert missing_parts(answering(503, body)) == ["disk"]
    assert "FITTINGROOM_HOME" in WAYS_OUT["disk"]


def test_ready_is_that_nothing_is_missing(answering: Answering) -> None:
    assert missing_parts(answering(200, b"{}")) == []


def test_whoever_does_not_answer_yet_is_asked_again(answering: Answering) -> None:
    assert missing_parts(free_port()) is None
    assert missing_parts(answering(503, b"<html>")) is None
