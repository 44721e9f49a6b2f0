"""What must hold before the first process starts; each refusal says what to do about it."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

from app.core.settings import Settings
from app.core.storage import StorageAway, open_storage

NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "glusterfs", "ceph")


class Refusal(Exception):
    """The product can't start like this. The message is all the reader gets, so it holds the way out."""


def prepare_home(home: Path) -> None:
    """The directory of all state, private to its owner because it holds data, tokens and sessions."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise Refusal(
            f"The home directory {home} can't be written: {error.strerror}.\n"
            "Give yourself the right to write there, or choose another: FITTINGROOM_HOME=/path make run"
        ) from None
    kind = file_system_of(home, Path("/proc/self/mounts"))
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        raise Refusal(
            f"The home directory {home} is on a network disk ({kind}), where SQLite loses data.\n"
            "Choose a local directory with FITTINGROOM_HOME, or use PostgreSQL: DATABASE_URL=postgresql://…"
        )


def check_storage(settings: Settings) -> None:
    """One of its own is in the home, which was looked at already."""
    if not settings.storage:
        return
    try:
        open_storage(settings).check()
    except StorageAway as error:
        raise Refusal(f"{error.message}\n{error.advice}") from None


def file_system_of(path: Path, mounts: Path) -> str:
    """The type of the file system ``path`` is on; "" where the system doesn't say."""
    if not mounts.exists():
        return ""
    rows = [line.split() for line in mounts.read_text(errors="replace").splitlines()]
    points = [(row[1], row[2]) for row in rows if len(row) > 2 and path.is_relative_to(row[1])]
    return max(points, key=lambda point: len(point[0]), default=("", ""))[1]


def lock_home(home: Path) -> int:
    """Keep a second instance out of the same home. The lock goes with the process, however it ends."""
    descriptor = os.open(home / "stack.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = os.read(descriptor, 200).decode(errors="replace").strip()
        os.close(descriptor)
        raise Refusal(
            f"Fitting Room runs already in {home} ({other or 'it is just starting'}).\n"
            "Stop that one first, or start a second one with its own "
            "home and port: FITTINGROOM_HOME=/path PORT=8001 make run"
        ) from None
    return descriptor


def sign_lock(descriptor: int, address: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()}, {address}".encode(), 0)


def check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        # As the server itself does: a port whose old connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refusal(
                f"Port {port} can't be used: {error.strerror}.\n"
                f"Stop the program that uses it, or choose another: PORT={port + 1} make run"
            ) from None
