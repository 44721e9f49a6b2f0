"""SIGTERM under load, with event streams open: nothing that was begun is broken, and the process ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.accounts.tokens import create_service_token
from app.core.security import Role
from app.core.services import Services
from tests.app.runs.staging import Stage
from tests.flows.product import _free_port

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 120
CLIENTS = 4


@dataclass
class Clients:
    """Each asks whether it may send, as a balancer does, and then sends one request on a kept connection."""

    url: str
    token: str
    answered: Counter[int] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    sent_away: int = 0

    def go(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS) as client:
            while True:
                try:
                    ready = client.get("/readyz").status_code == 200
                    if not ready:
                        self.sent_away += 1
                        return
                    self.answered[client.get("/api/v1/runs").status_code] += 1
                except httpx.ConnectError:
                    return  # nothing was sent
                except httpx.TransportError as error:
                    self.broken.append(repr(error))
                    return

    def listen(self, run_id: str, listening: threading.Event) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with httpx.stream(
                "GET", f"{self.url}/api/v1/runs/{run_id}/events", headers=headers, timeout=PATIENCE_SECONDS
            ) as stream:
                for _ in stream.iter_lines():
                    listening.set()
        except httpx.TransportError as error:
            self.broken.append(f"stream: {error!r}")


@pytest.fixture
def web(services: Services, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = _free_port()
    home = str(services.settings.home)
    environment = {
        **os.environ,
        "FITTINGROOM_HOME": home,
        "PORT": str(port),
        "FITTINGROOM_DRAIN_SECONDS": "5",
    }
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            httpx.get(f"{url}/livez", timeout=5)
            break
        except httpx.TransportError:
            assert process.poll() is None, (tmp_path / "web.log").read_text()
            assert time.monotonic() < end, "the web process did not start"
            time.sleep(0.1)
    yield process, url
    process.kill()
    process.wait()


def test_a_web_process_that_is_told_to_stop_breaks_nothing(
    web: tuple[subprocess.Popen[bytes], str], services: Services
) -> None:
    process, url = web
    stage = Stage(services, "usr_1")
    run_id = stage.launch(stage.dataset())
    with services.works.writing() as work:
        _, token = create_service_token(work, "load", Role.VIEWER)
    clients, listening = Clients(url, token), threading.Event()
    threads = [threading.Thread(target=clients.go) for _ in range(CLIENTS)]
    threads.append(threading.Thread(target=clients.listen, args=(run_id, listening)))
    for thread in threads:
        thread.start()
    assert listening.wait(PATIENCE_SECONDS)
    while sum(clients.answered.values()) < 4 * CLIENTS and not clients.broken:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert clients.broken == []
    assert set(clients.answered) == {200}
    assert clients.sent_away > 0, "/readyz told them before the socket was closed"
