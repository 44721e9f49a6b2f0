"""A real HTTP server with fixed answers, for what the command line makes of each of them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Canned:
    """``answers`` by method and path; a list is worn off to its last one. ``requests`` is what came."""

    answers: dict[str, Any]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def next_answer(self, key: str) -> Any:
        found = self.answers.get(key, (404, {"title": "Not found", "detail": f"no {key}"}))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found


def handler_of(canned: Canned) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self._body()
            key = f"{self.command} {self.path.split('?')[0]}"
            canned.requests.append((f"{self.command} {self.path}", dict(self.headers), body))
            status, content = canned.next_answer(key)
            payload = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - names that http.server looks for

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_: object) -> None:
            """Quiet: the test's own output is enough."""

    return Handler


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[Canned]:
    canned = Canned({f"{key.split()[0]} /api/v1{key.split()[1]}": value for key, value in answers.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(canned))
    canned.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield canned
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
