"""A directory of backups: ``blobs/`` shared by all of them, and one folder each, named by its time.

A folder that has no manifest is none: it is made as ``….partial`` and renamed when everything stands in it,
so an interrupted backup never looks finished, and the ones before it stay as they are.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from app.core.errors import Conflict, Invalid, NotFound
from app.core.storage import hash_file
from ml.contract.faults import faultpoint

FORMAT = 1
MANIFEST = "manifest.json"
BLOBS = "blobs"
BLOB_LIST = "blobs.txt"
PARTIAL = ".partial"
CHUNK = 1 << 20

Progress = Callable[[str, int, int], None]  # what is being done, how many of how many


class NoBackup(NotFound):
    title = "There is no finished backup"


class BackupBroken(Invalid):
    title = "The backup is not whole"


class BackupBusy(Conflict):
    title = "Another backup is being made there"


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. ``files`` are those of its folder: name → sha256 and size.

    ``missing`` names what could not be taken along, because it was lost before.
    """

    format: int
    made_at: str
    version: str
    database: str  # sqlite, postgresql
    server: str
    migrations: Mapping[str, str]
    rows: Mapping[str, int]
    blobs: int
    blob_bytes: int
    files: Mapping[str, Mapping[str, Any]]
    missing: list[str] = field(default_factory=list)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupBusy(f"A backup into {root} is going on.", "Wait until it has ended.") from None
        yield


def begin(root: Path) -> Path:
    """A new folder, not yet a backup. What interrupted ones left goes first."""
    for left in root.glob(f"*{PARTIAL}"):
        shutil.rmtree(left)
    folder = root / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S-%f}{PARTIAL}"
    folder.mkdir(mode=0o700)
    return folder


def finish(folder: Path, manifest: Manifest) -> Path:
    """From here on it is a backup: by one rename, after everything in it is on the disk."""
    for path in folder.iterdir():
        _sync(path)
    with (folder / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1)
        file.flush()
        faultpoint("backup.fsync_manifest")
        os.fsync(file.fileno())
    _sync(folder)
    done = folder.with_name(folder.name.removesuffix(PARTIAL))
    faultpoint("backup.rename")
    folder.replace(done)
    _sync(done.parent)
    return done


def described(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        path.name: {"sha256": hash_file(path), "size": path.stat().st_size}
        for path in sorted(folder.iterdir())
    }


def newest(root: Path) -> Path:
    """The folder itself, or the newest finished one in it."""
    if (root / MANIFEST).is_file():
        return root
    finished = sorted(path.parent for path in root.glob(f"*/{MANIFEST}") if path.parent.suffix != PARTIAL)
    if not finished:
        left = any(root.glob(f"*{PARTIAL}"))
        what = "only one that was interrupted" if left else "none"
        raise NoBackup(f"{root} holds {what}.", "Make one with: fittingroom backup DIRECTORY")
    return finished[-1]


def read(folder: Path) -> Manifest:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if found["format"] > FORMAT:
            raise BackupBroken("It was made by a newer version.", "Restore it with that version.")
        return Manifest(**found)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupBroken(f"{MANIFEST} can't be read: {error}.", "Take another backup.") from None


def blob_path(folder: Path, sha256: str) -> Path:
    return folder.parent / BLOBS / sha256[:2] / sha256


def blob_list(folder: Path) -> list[str]:
    return (folder / BLOB_LIST).read_text(encoding="ascii").split()


def verify(folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Every byte is read before anything is written elsewhere."""
    for name, file in manifest.files.items():
        path = folder / name
        if not path.is_file() or hash_file(path) != file["sha256"]:
            raise BackupBroken(f"{name} is missing or has changed.", "Take another backup.")
    listed = blob_list(folder)
    for count, sha256 in enumerate(listed, 1):
        path = blob_path(folder, sha256)
        if not path.is_file() or hash_file(path) != sha256:
            raise BackupBroken(f"The file {sha256[:12]}… is missing or has changed.", "Take another backup.")
        progress("verified", count, len(listed))


def keep_blob(root: Path, sha256: str, source: IO[bytes]) -> int:
    """Copied and hashed at once; its size, or -1 when the content is another. What stands there is kept."""
    target = root / BLOBS / sha256[:2] / sha256
    if target.exists():
        return target.stat().st_size
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{sha256}{PARTIAL}")
    digest = hashlib.sha256()
    with partial.open("wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        faultpoint("backup.fsync_file")
        os.fsync(file.fileno())
    if digest.hexdigest() != sha256:
        partial.unlink()
        return -1
    faultpoint("backup.rename_file")
    partial.replace(target)
    _sync(target.parent)
    return target.stat().st_size


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        faultpoint("backup.fsync")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
