"""A whole product on a home of its own, brought up by ``make run`` and stopped again."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Installation:
    home: str
    url: str
    token: str

    def environment(self) -> dict[str, str]:
        """For the command line."""
        return os.environ | {
            "FITTINGROOM_HOME": self.home,
            "FITTINGROOM_URL": self.url,
            "FITTINGROOM_TOKEN": self.token,
        }


@contextmanager
def installation() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        environment = {**os.environ, "FITTINGROOM_HOME": home, "PORT": str(port)}
        with open(Path(home, "out"), "w") as out:
            process = subprocess.Popen(["make", "run"], cwd=ROOT, env=environment, stdout=out, stderr=out)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for_page(url, process)
            yield Installation(home, url, new_token(environment))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_page(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit(f"make run ended with {process.returncode}")


def new_token(environment: dict[str, str]) -> str:
    command = [str(ROOT / ".venv/bin/fittingroom"), "token", "create", "--role", "editor"]
    made = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    found = re.search(r"fr_[\w-]+", made)
    assert found, made
    return found[0]
