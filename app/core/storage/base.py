"""What every storage can do, and what all of them do alike on top of it."""

import json
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from app.core.storage.trees import Blob, StoredFile, Tree, manifest, missing, tree_of
from ml.contract.faults import faultpoint


class Storage(ABC):
    """Files by the sha256 of their content. ``scratch`` is a local directory for work in progress."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def check(self) -> None:
        """Write and read a little. Raises what a person has to mend before this storage can be used."""

    @abstractmethod
    def put_file(self, source: Path, *, move: bool = False, sha256: str | None = None) -> StoredFile:
        """Store one file under its hash. ``sha256`` spares the reading where the caller just hashed it.

        What stands there damaged is healed by it, and its ``changed_at`` is now.
        """

    @abstractmethod
    def has(self, sha256: str) -> bool: ...

    @abstractmethod
    def intact(self, tree: Tree) -> bool:
        """Whether every file stands there with its size. :meth:`verify` reads the content as well."""

    @abstractmethod
    def local_path(self, sha256: str) -> Path:
        """Where to read it from; what is stored elsewhere is fetched. To be opened now, not kept."""

    @abstractmethod
    def checked_path(self, sha256: str) -> Path:
        """:meth:`local_path` after reading it: what is about to be used has the right content."""

    @abstractmethod
    def verify(self, sha256: str) -> None:
        """Read what is stored and compare. Raises :class:`ArtifactDamaged`, or NotFound."""

    @abstractmethod
    def blobs(self) -> Iterator[Blob]:
        """Everything that is stored, in no order, as it is while this is asked."""

    @abstractmethod
    def remove(self, sha256: str, *, unless_changed_since: datetime | None = None) -> bool:
        """Whether it was there and is gone. A collector passes the time it saw: what was put again stays."""

    @abstractmethod
    def _lay(self, path: Path, target: Path) -> None:
        """Give the file at ``path``, one of ours, the name ``target`` as well."""

    def scratch(self, prefix: str = "") -> Path:
        """A new empty directory for work in progress. Whoever asks for it removes it."""
        return Path(tempfile.mkdtemp(prefix=prefix, dir=self._scratch))

    def scratches(self) -> Iterator[Path]:
        """All that :meth:`scratch` has given out and nobody has removed."""
        yield from self._scratch.iterdir()

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
        self.put_bytes(manifest(tree.files))
        return tree

    def tree(self, sha256: str) -> Tree:
        with self.open(sha256) as file:
            rows = json.load(file)
        return Tree(sha256, tuple(StoredFile(row["path"], row["sha256"], row["size"]) for row in rows))

    def open(self, sha256: str) -> BinaryIO:
        try:
            return self.local_path(sha256).open("rb")
        except FileNotFoundError:
            raise missing(sha256) from None

    def read_bytes(self, sha256: str) -> bytes:
        with self.open(sha256) as file:
            return file.read()

    def materialize(self, tree: Tree, directory: Path) -> None:
        """Lay the tree out below ``directory`` as links, after checking each file's content."""
        directory.mkdir(parents=True, exist_ok=True)
        for file in tree.files:
            target = directory / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            self._lay(self.checked_path(file.sha256), target)
