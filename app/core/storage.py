"""Artifacts: files by the sha256 of their content, and trees, which are manifests of such files.

Nothing is ever overwritten: a file is written in the scratch directory, synced, renamed to its hash, and
only then named in the database. What no row names is collected later.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.core.errors import FittingRoomError, NotFound
from ml.contract.faults import faultpoint


class ArtifactDamaged(FittingRoomError):
    """A stored file's content no longer has the sha256 it is stored under."""

    title = "An artifact is damaged"


@dataclass(frozen=True)
class StoredFile:
    """``path`` is relative to its tree, with forward slashes; ``size`` in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Tree:
    """A directory as a value. ``sha256`` is that of its manifest, which is stored like any file."""

    sha256: str
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def find(self, path: str) -> StoredFile:
        for file in self.files:
            if file.path == path:
                return file
        raise NotFound(f"The artifact has no file {path!r}.", "Its files are listed on the run's page.")

    def under(self, directory: str) -> "Tree":
        """The part below ``directory``, with paths relative to it. The hash covers just that part."""
        if not directory:
            return self
        prefix = directory.rstrip("/") + "/"
        files = [
            StoredFile(file.path.removeprefix(prefix), file.sha256, file.size)
            for file in self.files
            if file.path.startswith(prefix)
        ]
        return tree_of(files)


def tree_of(files: list[StoredFile]) -> Tree:
    ordered = tuple(sorted(files, key=lambda file: file.path))
    return Tree(hashlib.sha256(_manifest(ordered)).hexdigest(), ordered)


class LocalStorage:
    """Storage in one directory. ``scratch`` lies in the same file system, so publishing is a rename."""

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._scratch = root / "scratch"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._scratch.mkdir(parents=True, exist_ok=True)

    def scratch(self, prefix: str = "") -> Path:
        """A new empty directory for work in progress. Whoever asks for it removes it."""
        return Path(tempfile.mkdtemp(prefix=prefix, dir=self._scratch))

    def put_file(self, source: Path, *, move: bool = False, sha256: str | None = None) -> StoredFile:
        """Store one file under its hash. ``sha256`` spares the reading where the caller just hashed it."""
        size = source.stat().st_size
        digest = sha256 or hash_file(source)
        target = self.local_path(digest)
        # What stands there is read: running a step again must heal an artifact that was damaged.
        if not (target.exists() and target.stat().st_size == size and hash_file(target) == digest):
            self._publish(source, target, move)
        elif move:
            source.unlink()
        return StoredFile(source.name, digest, size)

    def put_bytes(self, content: bytes) -> StoredFile:
        with tempfile.TemporaryDirectory(dir=self._scratch) as directory:
            path = Path(directory, "content")
            faultpoint("storage.write")
            path.write_bytes(content)
            return self.put_file(path, move=True)

    def put_tree(self, files: Mapping[str, Path], *, move: bool = False) -> Tree:
        """Store ``{path in the tree: local file}`` and the manifest."""
        stored = []
        for path, source in sorted(files.items()):
            file = self.put_file(source, move=move)
            stored.append(StoredFile(path, file.sha256, file.size))
        return self.put_manifest(stored)

    def put_manifest(self, files: list[StoredFile]) -> Tree:
        """A tree of files that are stored already."""
        tree = tree_of(files)
        self.put_bytes(_manifest(tree.files))
        return tree

    def tree(self, sha256: str) -> Tree:
        with self.open(sha256) as manifest:
            rows = json.load(manifest)
        return Tree(sha256, tuple(StoredFile(row["path"], row["sha256"], row["size"]) for row in rows))

    def has(self, sha256: str) -> bool:
        return self.local_path(sha256).exists()

    def intact(self, tree: Tree) -> bool:
        """Whether every file stands there with its size. :meth:`verify` reads the content as well."""
        paths = [(self.local_path(file.sha256), file.size) for file in tree.files]
        return all(path.exists() and path.stat().st_size == size for path, size in paths)

    def open(self, sha256: str) -> BinaryIO:
        try:
            return self.local_path(sha256).open("rb")
        except FileNotFoundError:
            raise _missing(sha256) from None

    def read_bytes(self, sha256: str) -> bytes:
        with self.open(sha256) as file:
            return file.read()

    def local_path(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256

    def verify(self, sha256: str) -> None:
        """Read the whole file and compare. Raises :class:`ArtifactDamaged`, or NotFound."""
        path = self.local_path(sha256)
        if not path.exists():
            raise _missing(sha256)
        found = hash_file(path)
        if found != sha256:
            raise ArtifactDamaged(
                f"The stored file {sha256[:12]}… now has the content {found[:12]}….",
                "Restore it from a backup, or run the step that made it again.",
                sha256=sha256,
                found=found,
            )

    def materialize(self, tree: Tree, directory: Path) -> None:
        """Lay the tree out below ``directory`` as links, after checking each file's content."""
        directory.mkdir(parents=True, exist_ok=True)
        for file in tree.files:
            self.verify(file.sha256)
            target = directory / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(self.local_path(file.sha256))

    def _publish(self, source: Path, target: Path, move: bool) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not move:
            with tempfile.TemporaryDirectory(dir=self._scratch) as directory:
                copy = Path(directory, "copy")
                faultpoint("storage.copy")
                shutil.copyfile(source, copy)
                self._publish(copy, target, move=True)
            return
        with source.open("rb") as file:
            faultpoint("storage.fsync")
            os.fsync(file.fileno())
        source.chmod(0o444)
        faultpoint("storage.rename")
        source.replace(target)
        _sync_directory(target.parent)


def _missing(sha256: str) -> NotFound:
    return NotFound(f"The file {sha256[:12]}… is not in the storage.", "Restore it, or run the step again.")


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(files: tuple[StoredFile, ...]) -> bytes:
    rows = [{"path": file.path, "sha256": file.sha256, "size": file.size} for file in files]
    return json.dumps(rows, indent=0, sort_keys=True).encode()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        faultpoint("storage.fsync_directory")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
