"""An instance of an endpoint: the model's own server as a process with an ``/opt/ml`` of its own.

AWS runs ``docker run <image> serve``. There are no images here: the archive brings the code that the image
would run, ``code/serve.py``, and an image that needs nothing but itself can't be simulated.
"""

import http.client
import random
import shutil
import socket
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import BotoCoreError, ClientError

from simulator.containers import Container
from simulator.core import State
from simulator.logs import LogStream

PING_SECONDS = 2
BETWEEN_PINGS_SECONDS = 0.2
STARTUP_SECONDS = 240
GRACE_SECONDS = 30
# Below what the kernel hands out by itself, so that nobody is given the port between the look and the start.
PORTS = range(10_240, 32_000)
ENTRY = "code/serve.py"


class NotServing(Exception):
    """The endpoint's failure reason."""


@dataclass(frozen=True)
class Served:
    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes


class Instance:
    """One container; ``stream`` is the name of its log."""

    def __init__(self, state: State, endpoint: str, variant: str, definition: Mapping[str, Any]) -> None:
        self.state = state
        self.variant = variant
        self.definition = definition
        self.group = f"/aws/sagemaker/Endpoints/{endpoint}"
        self.root = state.directory(f"endpoint-{endpoint}")
        self.stream = f"{variant}/i-{state.number():017x}"
        self.port = 0
        self._container: Container | None = None
        self._ended = threading.Event()
        self._asked = 0
        self._idle = threading.Condition()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """After ``take``, which whoever chooses it calls at once: it is not stopped before it answers."""
        try:
            yield
        finally:
            with self._idle:
                self._asked -= 1
                self._idle.notify_all()

    def take(self) -> None:
        with self._idle:
            self._asked += 1

    @property
    def model(self) -> Path:
        return self.root / "opt/ml/model"

    @property
    def alive(self) -> bool:
        return self._container is not None and self._container.running

    def unpack(self, address: str | None) -> None:
        if address is None:
            raise NotServing("The model has no archive, and the simulator has no images to serve from.")
        place, packed = urlparse(address), self.root / "model.tar.gz"
        self.model.mkdir(parents=True)
        try:
            self.state.s3.download_file(place.netloc, place.path.lstrip("/"), str(packed))
            with tarfile.open(packed) as archive:
                archive.extractall(self.model, filter="data")
        except (ClientError, BotoCoreError, tarfile.TarError, OSError) as error:
            raise NotServing(
                f'Failed to download model data for container "container_1" from URL: "{address}". Please '
                "ensure that there is an object at the URL and that the role passed to CreateModel has "
                f"permissions to download the object. ({error})"
            ) from None
        packed.unlink()

    def start(self) -> None:
        if not (self.model / ENTRY).is_file():
            raise NotServing(
                f"The model archive has no {ENTRY}, and the simulator has no images: nothing can be served."
            )
        self.port = _free_port()
        environment = {**self.definition.get("Environment", {}), "SAGEMAKER_BIND_TO_PORT": str(self.port)}
        self._container = Container(self.state, self.root, ["python3", f"/opt/ml/model/{ENTRY}"], environment)
        log, ended = LogStream(self.state, self.group, self.stream), threading.Event()
        self._ended = ended

        def end() -> None:
            log.close()
            ended.set()

        self._container.start(log.write, end)

    def ready(self, given_up: threading.Event) -> None:
        """Waits for the first ping that is answered with 200 within two seconds."""
        seconds, waited = STARTUP_SECONDS, 0.0
        while waited < seconds and self.alive and not given_up.is_set():
            if self.ping():
                return
            given_up.wait(BETWEEN_PINGS_SECONDS)
            waited += BETWEEN_PINGS_SECONDS
        raise NotServing(
            f"The primary container for production variant {self.variant} did not pass the ping health "
            "check. Please check CloudWatch logs for this endpoint."
        )

    def ping(self) -> bool:
        try:
            return self.ask("GET", "/ping", PING_SECONDS).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def ask(
        self, method: str, path: str, seconds: float, body: bytes | None = None, **headers: str
    ) -> Served:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items() if value}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            kind = answer.getheader("Content-Type") or "application/octet-stream"
            return Served(answer.status, kind, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def stop(self) -> None:
        """When it has answered what it was asked: SIGTERM, then SIGKILL after 30 seconds."""
        with self._idle:
            self._idle.wait_for(lambda: self._asked == 0, self.state.invocation_seconds)
        if self._container is not None:
            self._container.terminate()
            if not self._ended.wait(min(GRACE_SECONDS, self.state.grace_seconds)):
                self._container.kill()
                self._ended.wait()
        shutil.rmtree(self.root, ignore_errors=True)


def _free_port() -> int:
    while True:
        port = random.choice(PORTS)  # noqa: S311 - only so that several simulators rarely try the same
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
