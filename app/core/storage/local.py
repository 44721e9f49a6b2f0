"""Storage in one directory: of this machine, or shared by several."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.core.storage.base import Storage
from app.core.storage.publishing import make_durable, publish
from app.core.storage.trees import (
    Blob,
    StorageRefused,
    StoredFile,
    Tree,
    damaged,
    hash_file,
    is_sha256,
    missing,
)
from ml.contract.faults import faultpoint


class LocalStorage(Storage):
    """``scratch`` lies in the same file system as the blobs, so publishing is a rename."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = root / "blobs"
        self._collecting = root / "collecting"
        with self._writable():
            super().__init__(root / "scratch")
            self._blobs.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        with self._writable(), tempfile.TemporaryFile(dir=self._scratch):
            pass

    def put_file(self, source: Path, *, move: bool = False, sha256: str | None = None) -> StoredFile:
        size = source.stat().st_size
        digest = sha256 or hash_file(source)
        # What stands there is read: running a step again must heal an artifact that was damaged.
        if not self._stands(digest, size):
            self._publish(source, self.local_path(digest), move)
            return StoredFile(source.name, digest, size)
        make_durable(self.local_path(digest))
        if move:
            source.unlink()
        return StoredFile(source.name, digest, size)

    def has(self, sha256: str) -> bool:
        return self.local_path(sha256).exists()

    def intact(self, tree: Tree) -> bool:
        paths = [(self.local_path(file.sha256), file.size) for file in tree.files]
        return all(path.exists() and path.stat().st_size == size for path, size in paths)

    def local_path(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256

    def checked_path(self, sha256: str) -> Path:
        self.verify(sha256)
        return self.local_path(sha256)

    def verify(self, sha256: str) -> None:
        try:
            found = hash_file(self.local_path(sha256))
        except FileNotFoundError:
            raise missing(sha256) from None
        if found != sha256:
            raise damaged(sha256, found)

    def blobs(self) -> Iterator[Blob]:
        for path in self._blobs.glob("??/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # somebody else collects too
            if is_sha256(path.name):
                yield Blob(path.name, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))

    def remove(self, sha256: str, *, unless_changed_since: datetime | None = None) -> bool:
        path = self.local_path(sha256)
        try:
            # Nobody finds it standing, and relies on that, between the look at its time and its removal.
            with self._locked(fcntl.LOCK_EX):
                changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if unless_changed_since and changed_at > unless_changed_since:
                    return False
                path.unlink()
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with self._collecting.open("a") as file:
            fcntl.flock(file, how)
            yield

    @contextmanager
    def _writable(self) -> Iterator[None]:
        """A full disk is another matter: work waits until there is room."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StorageRefused(
                f"The storage {self._root} can't be written: {error.strerror}.",
                "Give the right to write there, or name another place in FITTINGROOM_STORAGE.",
            ) from None

    def _stands(self, sha256: str, size: int) -> bool:
        """Its time comes first: a collector that looks meanwhile sees that somebody is about to name it."""
        path = self.local_path(sha256)
        try:
            with self._locked(fcntl.LOCK_SH):
                os.utime(path)
            return path.stat().st_size == size and hash_file(path) == sha256
        except FileNotFoundError:
            return False

    def _publish(self, source: Path, target: Path, move: bool) -> None:
        if move and source.stat().st_dev == self._scratch.stat().st_dev:
            publish(source, target)
            return
        # A shared directory is another file system than the one where steps work: nothing is renamed across.
        with tempfile.TemporaryDirectory(dir=self._scratch) as directory:
            copy = Path(directory, "copy")
            faultpoint("storage.copy")
            shutil.copyfile(source, copy)
            publish(copy, target)
        if move:
            source.unlink()

    def _lay(self, path: Path, target: Path) -> None:
        target.symlink_to(path)
