"""A PostgreSQL server for the tests: on a private socket, in a directory of its own, gone with the tests."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

START_SECONDS = 60
DEBIAN = Path("/usr/lib/postgresql")  # keeps the server's programs out of PATH
# Tests ask whether what is committed is right, not whether it outlives a power cut.
OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "listen_addresses=",
)


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
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def create(self, template: str = "template1") -> str:
        """A new database; its address."""
        name = f"test_{next(self._numbers)}"
        self._order(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        self._order(f'DROP DATABASE "{name_in(url)}" WITH (FORCE)')

    def _order(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


def name_in(url: str) -> str:
    return url.removeprefix("postgresql://postgres@/").partition("?")[0]


@contextmanager
def serving_postgres() -> Iterator[Postgres]:
    """It refuses to run as root, so a root's tests run it as nobody."""
    initdb, postgres = find_program("initdb"), find_program("postgres")
    assert initdb, "PostgreSQL is missing: apt-get install postgresql"
    assert postgres, "initdb is there, postgres is not"
    user = pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="fr-pg-", dir="/tmp"))  # a socket's path is short
    if user:
        shutil.chown(directory, user)
    try:
        data = directory / "data"
        initialise = [
            initdb,
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
        ]
        subprocess.run(initialise, user=user, check=True, capture_output=True, cwd=directory)
        settings = [part for option in OPTIONS for part in ("-c", option)]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [postgres, "-D", data, "-k", directory, *settings],
                user=user, stdout=log, stderr=log, cwd=directory,
            )  # fmt: skip
        server = Postgres(directory, process)
        try:
            _wait(server)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # without waiting for the clients that a failed test left
            process.wait(30)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _wait(server: Postgres) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
            return
        except psycopg.OperationalError:
            assert server.process.poll() is None, (server.directory / "log").read_text()
            assert time.monotonic() < end, "PostgreSQL did not start"
            time.sleep(0.05)
