"""Files and trees as values: a file is its sha256, a tree is a manifest of paths and such files."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.core.errors import FittingRoomError, NotFound, Unavailable


class ArtifactDamaged(FittingRoomError):
    """A stored file's content no longer has the sha256 it is stored under."""

    title = "An artifact is damaged"


class StorageAway(Unavailable):
    """The storage did not answer. Nothing was lost, and the same may work in a moment."""

    title = "The storage does not answer"


class StorageRefused(StorageAway):
    """It answers, and does not let us: a person has to mend something first."""

    title = "The storage refuses"


@dataclass(frozen=True)
class Blob:
    """One stored content. ``changed_at`` is when it was last put, so a collector leaves what is new alone."""

    sha256: str
    size: int
    changed_at: datetime


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
    return Tree(hashlib.sha256(manifest(ordered)).hexdigest(), ordered)


def manifest(files: tuple[StoredFile, ...]) -> bytes:
    rows = [{"path": file.path, "sha256": file.sha256, "size": file.size} for file in files]
    return json.dumps(rows, indent=0, sort_keys=True).encode()


def missing(sha256: str) -> NotFound:
    return NotFound(f"The file {sha256[:12]}… is not in the storage.", "Restore it, or run the step again.")


def damaged(sha256: str, found: str) -> ArtifactDamaged:
    return ArtifactDamaged(
        f"The stored file {sha256[:12]}… now has the content {found[:12]}….",
        "Restore it from a backup, or run the step that made it again.",
        sha256=sha256,
        found=found,
    )


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_sha256(name: str) -> bool:
    return len(name) == 64 and all(sign in "0123456789abcdef" for sign in name)
