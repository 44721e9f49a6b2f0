"""The container's server: one model, loaded from its directory, answering as SageMaker asks.

``GET /ping`` is 200 once the model is loaded and 503 before; ``POST /invocations`` takes our JSON and the
labs' JSON Lines. One thread computes, a bounded number of reviews wait, and SIGTERM answers what was taken.
Nothing but the predictor and the standard library: what a container has to install is what it has to trust.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ml.serving import wire
from ml.serving.predictor import BrokenModel, Prediction, Predictor, ReviewInput

PORT = 8080
WAITING_LIMIT = 128  # reviews; as many as wait for an endpoint of the product itself
IDLE_SECONDS = 65  # a little more than an invocation may take
ABOUT = "version.json"
READERS: Mapping[str, Callable[[bytes], wire.Asked]] = {
    "application/json": wire.read_json,
    "application/jsonlines": wire.read_lines,
    "application/jsonl": wire.read_lines,
    "application/x-jsonlines": wire.read_lines,
}


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Model:
    """``about`` says which version it is; it is None until it is loaded."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.about = about
        self._predictor: Predictor | None = None
        self._computing = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0

    @property
    def ready(self) -> bool:
        return self._predictor is not None

    def load(self, directory: Path) -> None:
        self._predictor = Predictor.load(directory)

    def predict(self, inputs: Sequence[ReviewInput]) -> list[Prediction]:
        if self._predictor is None:
            raise Refused(503, "The model is still being loaded.")
        self._enter(len(inputs))
        try:
            with self._computing:
                return self._predictor.predict(inputs)
        finally:
            self._enter(-len(inputs))

    def _enter(self, count: int) -> None:
        with self._counting:
            if count > 0 and self._waiting and self._waiting + count > WAITING_LIMIT:
                raise Refused(503, f"{self._waiting} reviews wait already. Try again in a few seconds.")
            self._waiting += count


class Server(ThreadingHTTPServer):
    """Its threads are waited for when it is closed, so what was taken is answered."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], model: Model) -> None:
        super().__init__(address, Handler)
        self.model = model


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.0 on purpose: a kept connection would hold a thread, and the end of the server."""

    timeout = IDLE_SECONDS
    server: Server

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/ping":
            self._say(404, "There are GET /ping and POST /invocations.")
        elif self.server.model.ready:
            self._answer(200, b"{}\n", wire.JSON)
        else:
            self._say(503, "The model is still being loaded.")

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != "/invocations":
            self._say(404, "There are GET /ping and POST /invocations.")
            return
        try:
            read, body = self._reader(), self._body()
            asked = read(body)
            found = self.server.model.predict(asked.inputs)
        except Refused as refusal:
            self._say(refusal.status, str(refusal))
        except wire.NotReadable as error:
            self._say(400, f"{error}.")
        else:
            self._answer(200, *wire.written(asked, found, self.server.model.about))

    def _reader(self) -> Callable[[bytes], wire.Asked]:
        given = self.headers.get("Content-Type", wire.JSON).partition(";")[0].strip().lower()
        if given not in READERS:
            raise Refused(415, f"{given[:80]!r} is not read here; {wire.JSON} and {wire.JSON_LINES} are.")
        return READERS[given]

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Refused(411, "Say the length of the body in Content-Length.")
        if int(length) > wire.BODY_LIMIT:
            raise Refused(413, f"The body has {int(length):,} bytes, and {wire.BODY_LIMIT:,} are the most.")
        return self.rfile.read(int(length))

    def _say(self, status: int, message: str) -> None:
        self._answer(status, json.dumps({"error": message}).encode(), wire.JSON)

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Pings come every few seconds and never say anything new; reviews are in no log."""
        if self.path != "/ping":
            super().log_request(code, size)


def read_about(code: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((code / ABOUT).read_text(encoding="utf-8"))
    return found


def model_directory(environment: Mapping[str, str]) -> Path:
    """The container's, which may stand below another root where several share one machine."""
    return Path(environment.get("SIMULATED_ROOT", "/"), "opt/ml/model")


def main(code: Path) -> int:
    """``code`` is the directory of the archive's starter. Answers with the process's exit code."""
    model = Model(read_about(code))
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or PORT)
    # Whoever shares a machine with a container of the simulator must not reach it from outside.
    host = "127.0.0.1" if "SIMULATED_ROOT" in os.environ else "0.0.0.0"  # noqa: S104 - it is a container
    with Server((host, port), model) as server:
        for name in (signal.SIGTERM, signal.SIGINT):
            # From a thread: shutdown() waits for the loop, and the handler runs inside of it.
            signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
        failed = _loading(model, server)
        server.serve_forever(poll_interval=0.1)
    return 1 if failed else 0


def _loading(model: Model, server: Server) -> list[str]:
    """Loads in a thread, so that a ping is answered meanwhile; the list gets why it could not."""
    failed: list[str] = []

    def load() -> None:
        try:
            model.load(model_directory(os.environ))
        except (BrokenModel, OSError, ValueError, KeyError) as error:
            failed.append(str(error))
            print(f"The model can't be served: {error}", file=sys.stderr, flush=True)  # noqa: T201
            server.shutdown()

    threading.Thread(target=load, name="load", daemon=True).start()
    return failed
