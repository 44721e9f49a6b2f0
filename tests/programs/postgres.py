"""A PostgreSQL server for the tests: on a private socket, in a directory of its own, gone with the tests."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from tests.programs.server_logs import RUNNING, last_lines

START_SECONDS = 60
DEBIAN = Path("/usr/lib/postgresql")  # keeps the server's programs out of PATH
OPTIONS = ("max_connections=200", "listen_addresses=", "log_checkpoints=off")
# Tests ask whether what is committed is right, not whether it outlives a power cut.
CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# A server that is killed in the middle must keep what it said was committed.
CAREFUL = ("fsync=off", "synchronous_commit=on")
CLUSTER = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")


def find_program(name: str) -> Path | None:
    """``initdb`` and ``postgres`` from PATH, or the newest that Debian has installed."""
    if found := shutil.which(name):
        return Path(found).resolve()
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return versions[-1] if versions else None


@dataclass
class Postgres:
    """``template`` is copied for each test: 30 ms where migrating takes a second."""

    directory: Path
    user: str | None  # it refuses to run as root, so a root's tests run it as nobody
    options: Sequence[str] = CARELESS
    process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def initialise(self) -> None:
        command = [_program("initdb"), "-D", self.directory / "data", *CLUSTER]
        subprocess.run(command, user=self.user, check=True, capture_output=True, cwd=self.directory)

    def start(self) -> None:
        """Also after it was killed: it recovers what it had committed."""
        settings = [part for option in (*OPTIONS, *self.options) for part in ("-c", option)]
        command = [_program("postgres"), "-D", self.directory / "data", "-k", self.directory, *settings]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, user=self.user, stdout=log, stderr=log, cwd=self.directory
            )
        self._wait()

    def stop(self) -> None:
        """Without waiting for the clients that a failed test left."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """What ``pg_ctl -m immediate stop`` does: no goodbye to any client, recovery at the next start."""
        self._end(signal.SIGQUIT)

    def create(self, template: str = "template1") -> str:
        """A new database; its address."""
        name = f"test_{next(self._numbers)}"
        self._order(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        self._order(f'DROP DATABASE "{name_in(url)}" WITH (FORCE)')

    def _end(self, number: int) -> None:
        assert self.process, "it was started"
        self.process.send_signal(number)
        self.process.wait(30)

    def _order(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                assert self.process, "it was started"
                assert self.process.poll() is None, last_lines(self.log)
                assert time.monotonic() < end, f"PostgreSQL did not start:\n{last_lines(self.log)}"
                time.sleep(0.05)


def name_in(url: str) -> str:
    return url.removeprefix("postgresql://postgres@/").partition("?")[0]


def _program(name: str) -> Path:
    found = find_program(name)
    assert found, f"PostgreSQL's {name} is missing: apt-get install postgresql"
    return found


@contextmanager
def serving_postgres(options: Sequence[str] = CARELESS) -> Iterator[Postgres]:
    user = pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="fr-pg-", dir="/tmp"))  # a socket's path is short
    if user:
        shutil.chown(directory, user)
    server = Postgres(directory, user, options)
    RUNNING.append(server.log)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.stop()
        RUNNING.remove(server.log)
        shutil.rmtree(directory, ignore_errors=True)
