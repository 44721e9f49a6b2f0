"""``python -m workers.stack``: the whole product on one machine: broker, migrations, web, worker.

Every process hangs under a warden, so that nothing outlives this one however it ends. SIGTERM and Ctrl-C
stop all of them in order; one that crashes is started again.
"""

import ctypes
import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from types import FrameType

from pydantic import ValidationError

from app.accounts.service import issue_setup_link
from app.core import migrations
from app.core.database import Databases
from app.core.settings import Settings, UnusableFile
from app.core.work import Works
from workers.broker import answers, broker_command
from workers.children import Child, say
from workers.preflight import Refusal, check_port, check_storage, lock_home, prepare_home, sign_lock

HOST = "127.0.0.1"
TICK_SECONDS = 0.05
BROKER_SECONDS = 10
GRACE_SECONDS = 20  # the worker hands its steps back, the web process ends its streams
CRASHES_BEFORE_READY = 3
PR_SET_PDEATHSIG = 1
WAYS_OUT = {
    "disk": "The disk is nearly full: make room, or set FITTINGROOM_HOME to a directory on another one.",
    "database": "The database does not answer.",
    "migrations": "The database's tables are of another version.",
}


class Stack:
    """The processes of one home. ``stopping`` counts the signals to stop: the second one kills."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stopping = 0
        self._logs = settings.home / "logs"
        self._broker: list[Child] = []
        self._cloud: list[Child] = []
        self._environment: Mapping[str, str] = os.environ
        self._children: list[Child] = []
        self._announced = False
        self._told: list[str] = []

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.settings.port}"

    def run(self) -> int:
        self._logs.mkdir(exist_ok=True)
        try:
            self._start()
            while not self.stopping:
                self._tick()
                time.sleep(TICK_SECONDS)
        finally:
            self._stop()
        return 0

    def stop(self, _signum: int, _frame: FrameType | None) -> None:
        self.stopping += 1

    def _start(self) -> None:
        # The broker loads its file while the migrations are looked at.
        if not self.settings.redis_url:
            self._broker = [self._child("broker", broker_command(self.settings.home))]
            self._broker[0].start()
        if migrations.head_differs(self.settings):
            migrations.upgrade(self.settings)
        if word := os.environ.get("SAGEMAKER"):
            self._simulate(word)
        self._wait_for_broker()
        self._children = [
            self._child("web", web_command()),
            self._child("worker", worker_command()),
        ]
        for child in self._children:
            child.start()

    def _simulate(self, word: str) -> None:
        # Imported here: who uses no simulator need not wait for what it takes to set one up.
        from workers import simulated

        simulated.check(word, self.settings)
        port = simulated.free_port()
        self._cloud = [self._child("simulator", simulated.command(port, self.settings))]
        self._cloud[0].start()
        simulated.settle(self.settings)
        self._environment = simulated.environment(port, os.environ)
        say(f"SageMaker is simulated at http://{HOST}:{port}; what is kept there ends with this")

    def _tick(self) -> None:
        for child in self._broker + self._cloud + self._children:
            child.watch()
        if self._announced:
            return
        missing = missing_parts(self.settings.port)
        if missing == []:
            self._announced = True
            announce(self.settings, self.address)
        elif missing and missing != self._told:
            self._told = missing
            say("not ready: " + " ".join(WAYS_OUT.get(part, f"{part} is missing.") for part in missing))
        elif any(child.crashes >= CRASHES_BEFORE_READY for child in self._children):
            raise Refusal(f"Fitting Room could not start. The logs are in {self._logs}.")

    def _child(self, name: str, command: list[str]) -> Child:
        environment = {
            **self._environment,
            "FITTINGROOM_HOME": str(self.settings.home),
            "PORT": str(self.settings.port),
            "PYTHONUNBUFFERED": "1",
        }
        return Child(name, command, self._logs / f"{name}.log", environment)

    def _wait_for_broker(self) -> None:
        deadline = time.monotonic() + BROKER_SECONDS
        while self._broker and not self.stopping and not answers(self.settings.broker_socket):
            if time.monotonic() > deadline or not self._broker[0].running:
                log = self._broker[0].last_lines()
                raise Refusal(f"The message broker did not start. Its last lines:\n{log}")
            time.sleep(TICK_SECONDS)

    def _stop(self) -> None:
        """Broker and simulator last: the worker still speaks to them while it hands its steps back."""
        if self._announced:
            say("stopping")
        for children in (self._children, self._broker + self._cloud):
            for child in children:
                child.terminate()
            deadline = time.monotonic() + GRACE_SECONDS
            while any(child.running for child in children):
                if self.stopping > 1 or time.monotonic() > deadline:
                    for child in children:
                        child.kill()
                time.sleep(TICK_SECONDS)


def web_command() -> list[str]:
    """One process: it holds the watcher and the loaded models. More capacity is more machines."""
    return [sys.executable, "-m", "app.serve", "web", "--host", HOST]


def worker_command() -> list[str]:
    words = (
        "-n",
        "local@%h",
        "-Q",
        "cpu,gpu,io",
        "--without-gossip",
        "--without-mingle",
        "--loglevel",
        "WARNING",
    )
    return [sys.executable, "-m", "celery", "-A", "workers.celery_app", "worker", *words]


def missing_parts(port: int) -> list[str] | None:
    """The checks of ``/readyz`` that failed: none of them when it is ready. None while nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        if answer.status == http.client.OK:
            return []
        return [part for part, usable in json.loads(answer.read())["checks"].items() if not usable]
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()


def announce(settings: Settings, address: str) -> None:
    """The one line that scripts wait for, and, for a new installation, how to get in."""
    lines = [f"ready {address}"]
    if secret := setup_secret(settings):
        lines.append(f"create the first administrator (this link works once): {address}/setup?token={secret}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def setup_secret(settings: Settings) -> str | None:
    databases = Databases.open(settings)
    try:
        with Works(databases).writing() as work:
            return issue_setup_link(work)
    finally:
        databases.close()


def follow_parent() -> None:
    """Stop when the parent (make) is killed: the kernel sends SIGTERM when it dies."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def read_settings() -> Settings:
    try:
        return Settings()
    except UnusableFile as error:
        raise Refusal(str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise Refusal(
            f"The setting {'.'.join(map(str, first['loc']))} can't be used: {first['msg']}."
        ) from None


def run() -> int:
    settings = read_settings()
    prepare_home(settings.home)
    lock = lock_home(settings.home)
    check_port(HOST, settings.port)
    check_storage(settings)
    stack = Stack(settings)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stack.stop)
    if "--follow-parent" in sys.argv[1:]:
        follow_parent()
    sign_lock(lock, stack.address)
    return stack.run()


def main() -> int:
    try:
        return run()
    except Refusal as refusal:
        say(str(refusal))
        return 1


if __name__ == "__main__":
    sys.exit(main())
