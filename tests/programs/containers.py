"""Services of docker-compose.yml as plain processes, for machines on which no container engine runs.

Each is started by its own command and asked by its own health check, with nothing in its environment but what
the image and the file put there. What an engine would do is done by other means, and nothing else is:

* paths of volumes, secrets and temporary file systems are directories of this test;
* names of services are addresses of the loopback, and whoever would listen on port 8000 of a container of its
  own has a port of its own;
* PostgreSQL's image makes the database from POSTGRES_* in its entrypoint, and so does this; that both foreign
  images step down from root there is left to the test's user;
* ``valkey-cli``, which comes with the image and with no wheel, is played by a few lines;
* a read-only file system without capabilities is a mount namespace, where the system lets us make one;
* a card that the file reserves is named by FITTINGROOM_DEVICES: the container toolkit would show a real one.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path

from tests.programs.compose import ROOT, SECRETS, Compose, Service, image_environment
from tests.programs.confinement import can_confine, confined
from tests.programs.postgres import find_program
from tests.programs.redis_server import free_port
from workers.broker import server_binary
from workers.devices import DEVICES

PATIENCE_SECONDS = 600
HOST = "127.0.0.1"
INNER_PORT = {"postgres": "5432", "redis": "6379"}
VALKEY_CLI = """#!{python}
import socket
connection = socket.create_connection(("127.0.0.1", {port}), 5)
connection.sendall(b"PING\\r\\n")
print(connection.recv(100).decode().strip())
"""


@dataclass
class Container:
    """One service that runs, or has run."""

    service: Service
    port: int
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


class Containers:
    def __init__(self, compose: Compose, directory: Path) -> None:
        self._compose = compose
        self._directory = directory
        self._user = pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None
        self.running: dict[str, Container] = {}
        self._ports = {name: free_port() for name in compose.services}
        directory.chmod(0o755)
        for name in ("secrets", "volumes", "programs", "logs", "run"):
            (directory / name).mkdir()
        self._make_secrets()
        self._make_programs()

    def up(self, *names: str) -> None:
        """As Compose does: each once what it depends on is healthy or done, the others at the same time."""
        for level in _levels({name: self._compose.services[name] for name in names}):
            for name in level:
                self.running[name] = self._start(self._compose.services[name])
            for name in level:
                self._wait(self.running[name])

    def _start(self, service: Service) -> Container:
        name = service.name
        container = Container(service, self._ports[name], self._directory / "logs" / name)
        container.environment = self._environment(service)
        command = [self._inside(service, word) for word in service.command]
        if name == "postgres":
            self._postgres_entrypoint(container)
            command += [
                "-p",
                str(container.port),
                "-k",
                str(self._directory / "run"),
                "-c",
                f"listen_addresses={HOST}",
            ]
        if name == "redis":
            command += ["--port", str(container.port), "--bind", HOST]
        if service.built and can_confine():
            command = confined(command, *self._mounted(service))
        with container.log.open("ab") as log:
            container.process = subprocess.Popen(
                command,
                cwd=ROOT if service.built else self._directory,
                env=container.environment,
                stdout=log,
                stderr=log,
                user=self._user if name == "postgres" else None,
            )
        return container

    def run(self, name: str, command: Sequence[str], *writable: Path) -> subprocess.CompletedProcess[bytes]:
        """``docker compose run --rm -v``: another command with all that the service has, and directories."""
        service = self._compose.services[name]
        if can_confine():
            places, fixed = self._mounted(service)
            command = confined(command, [*places, *writable], fixed)
        return subprocess.run(command, cwd=ROOT, env=self._environment(service), capture_output=True)

    def healthy(self, container: Container) -> bool:
        check = [self._inside(container.service, word) for word in container.service.health or []]
        done = subprocess.run(check, env=container.environment, cwd=ROOT, capture_output=True)
        return done.returncode == 0

    def stop(self) -> dict[str, int]:
        """In the order against the dependencies, each by its signal; the exit codes by name."""
        codes: dict[str, int] = {}
        for names in reversed(_levels({name: one.service for name, one in self.running.items()})):
            for name in names:
                self._signal(self.running[name])
            for name in names:
                process = self.running[name].process
                assert process
                codes[name] = process.wait(grace_seconds(self.running[name].service))
        self.running.clear()
        return codes

    def kill(self) -> None:
        """Whatever a failed test has left."""
        for container in self.running.values():
            if container.process and container.process.poll() is None:
                container.process.kill()
                container.process.wait()

    def _signal(self, container: Container) -> None:
        assert container.process
        if container.process.poll() is None:
            container.process.send_signal(signal.Signals[container.service.stop_signal])

    def _wait(self, container: Container) -> None:
        process = container.process
        assert process
        if container.service.health is None:
            assert process.wait(PATIENCE_SECONDS) == 0, container.said
            return
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.healthy(container):
            assert process.poll() is None, f"{container.service.name} ended:\n{container.said}"
            assert time.monotonic() < end, f"{container.service.name} never became healthy:\n{container.said}"
            time.sleep(0.3)

    def _environment(self, service: Service) -> dict[str, str]:
        own = {**image_environment(), **service.environment} if service.built else service.environment
        mapped = {name: self._inside(service, value) for name, value in own.items()}
        if service.built:
            mapped |= {"VIRTUAL_ENV": sys.prefix, "PORT": str(self._ports[service.name])}
            mapped["TMPDIR"] = self._inside(service, "/tmp")
        if "reservations" in service.keys["deploy"]["resources"]:
            mapped[DEVICES] = "0"
        if service.name == "postgres":
            mapped["PGPORT"] = str(self._ports["postgres"])
        return {**mapped, "PATH": self._path(), "LANG": "C.UTF-8"}

    def _path(self) -> str:
        postgres = find_program("initdb")
        assert postgres, "PostgreSQL is missing: apt-get install postgresql"
        places = [self._directory / "programs", Path(sys.prefix) / "bin", postgres.parent, "/usr/bin", "/bin"]
        return os.pathsep.join(map(str, places))

    def _inside(self, service: Service, text: str) -> str:
        """The text with the container's paths and names as they are outside of it."""
        places = self._places(service)
        if text == "0.0.0.0":
            return HOST
        pattern = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
        return re.sub(rf"(?<![\w/])({pattern})(?=/|$)", lambda found: str(places[found[1]]), text)

    def _places(self, service: Service) -> Mapping[str, Path]:
        places = {SECRETS: self._directory / "secrets"}
        for volume in service.keys.get("volumes", []):
            name, target = volume.split(":")[:2]
            places[target] = self._directory / "volumes" / name
        for mount in service.keys.get("tmpfs", []):
            places[mount.split(":")[0]] = self._directory / "volumes" / f"tmp-{service.name}"
        for place in places.values():
            place.mkdir(exist_ok=True)
        return places

    def _mounted(self, service: Service) -> tuple[list[Path], list[Path]]:
        """Where the service may write, and what it has besides, to read."""
        assert service.keys["read_only"]
        volumes = [volume.split(":") for volume in service.keys.get("volumes", [])]
        fixed = {parts[1] for parts in volumes if parts[2:] == ["ro"]} | {SECRETS}
        places = self._places(service)
        writable = [path for place, path in places.items() if place not in fixed]
        return writable, [places[place] for place in sorted(fixed)]

    def _make_secrets(self) -> None:
        secrets = self._directory / "secrets"
        subprocess.run(["sh", ROOT / "bin" / "make_secrets.sh", secrets], check=True, capture_output=True)
        for name in ("database_url", "redis_url"):
            text = (secrets / name).read_text()
            for service, port in INNER_PORT.items():
                text = text.replace(f"@{service}:{port}", f"@{HOST}:{self._ports[service]}")
            (secrets / name).chmod(0o644)
            (secrets / name).write_text(text)

    def _make_programs(self) -> None:
        programs = self._directory / "programs"
        (programs / "valkey-server").symlink_to(server_binary())
        cli = programs / "valkey-cli"
        cli.write_text(VALKEY_CLI.format(python=sys.executable, port=self._ports["redis"]))
        cli.chmod(0o755)

    def _postgres_entrypoint(self, container: Container) -> None:
        """As the image does at its first start: a cluster of this user and password, and one database."""
        environment = container.environment
        data = self._inside(container.service, "/var/lib/postgresql/data")
        user, password = environment["POSTGRES_USER"], self._directory / "run" / "password"
        shutil.copyfile(environment["POSTGRES_PASSWORD_FILE"], password)
        for path in (password.parent, Path(data), password):
            shutil.chown(path, self._user or pwd.getpwuid(os.getuid()).pw_name)
        container.environment["PGDATA"] = data
        arguments = environment["POSTGRES_INITDB_ARGS"].split()
        initdb = [
            "initdb",
            "-U",
            user,
            f"--pwfile={password}",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        self._as_postgres([*initdb, *arguments], environment)
        single = ["postgres", "--single", "-j", "postgres"]
        self._as_postgres(single, environment, f"CREATE DATABASE {environment['POSTGRES_DB']}\n")

    def _as_postgres(self, command: Sequence[str], environment: Mapping[str, str], told: str = "") -> None:
        done = subprocess.run(
            command,
            env=environment,
            user=self._user,
            cwd=self._directory,
            input=told.encode(),
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()


def _levels(services: Mapping[str, Service]) -> list[list[str]]:
    """Names that may start together, those that the next ones need before them."""
    sorter = TopologicalSorter(
        {name: [each for each in one.needs if each in services] for name, one in services.items()}
    )
    sorter.prepare()
    levels = []
    while sorter.is_active():
        levels.append(list(sorter.get_ready()))
        sorter.done(*levels[-1])
    return levels


def grace_seconds(service: Service) -> int:
    return int(service.keys["stop_grace_period"].removesuffix("s"))


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.2)
