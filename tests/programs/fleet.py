"""Real processes for the tests: a broker on a private socket, and Celery workers of the toy pipelines."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.runs.tables import Worker
from tests.programs.installation import Inbox, Toys, toy_services
from tests.programs.server_logs import RUNNING
from workers.broker import answers, broker_command

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)


def start_broker(settings: Settings) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(broker_command(settings.home))
    wait_until(lambda: answers(settings.broker_socket), "the broker answered")
    return process


def programs_of(services: Services) -> list[int]:
    """Process ids of the step programs that run for this installation, by what the kernel knows."""
    mark = str(services.settings.home).encode()
    found = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        try:
            command = (directory / "cmdline").read_bytes()
            environment = (directory / "environ").read_bytes()
        except OSError:
            continue
        if b"-m\0tests.programs." in command and b"warden" not in command and mark in environment:
            found.append(int(directory.name))
    return found


@dataclass
class Fleet:
    """The workers of one installation. Whatever a test leaves running is ended with it."""

    toys: Toys
    lease_seconds: float = 6
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)

    def start(self, queues: str = "cpu,gpu,io", **environment: str) -> subprocess.Popen[bytes]:
        """A worker on the installation's own database and broker, whichever they are."""
        process = self.launch(queues, **environment)
        wait_until(lambda: process.poll() is not None or self._shown(process.pid), "the worker was ready")
        assert process.poll() is None, "the worker ended at once; its log says why"
        return process

    def launch(self, queues: str = "cpu,gpu,io", **environment: str) -> subprocess.Popen[bytes]:
        """Without waiting for it: its database may be away."""
        settings = self.toys.services.settings
        home = settings.home
        variables = {
            **os.environ,
            "FITTINGROOM_HOME": str(home),
            "FITTINGROOM_LEASE_SECONDS": str(self.lease_seconds),
            "DATABASE_URL": settings.database_url or "",
            "REDIS_URL": settings.redis_url or "",
            "PORT": "8000",
            **environment,
        }
        command = ["-m", "celery", "-A", "tests.programs.toy_worker", "worker", "-Q", queues]
        options = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
        path = home / f"worker-{len(self.processes)}.log"
        self.logs.append(path)
        RUNNING.append(path)
        with path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command, *options], cwd=ROOT, env=variables, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def _shown(self, pid: int) -> bool:
        with self.toys.services.works.reading() as work:
            return any(worker.pid == pid for worker in work.session.query(Worker))

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for path in self.logs:
            RUNNING.remove(path)
        self.logs.clear()


@contextmanager
def fleet_of(settings: Settings) -> Iterator[Fleet]:
    """No worker yet; its messages really go through the broker of these settings."""
    services = open_services(settings)
    fleet = Fleet(Toys(toy_services(services), Inbox()))
    yield fleet
    fleet.end()
    services.close()


@contextmanager
def serving_broker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    process = start_broker(settings)
    yield process
    process.kill()
    process.wait()
