"""Copies of what is stored elsewhere, by sha256, so that each machine fetches a file once.

The least recently used go when there are too many bytes. Never those in use: a step's inputs are hard links,
so their content outlives the name here, and what somebody asked for a moment ago is about to be opened.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.storage.publishing import publish

RECENT_SECONDS = 600
SLACK = 16  # a part of the limit: looking through all files at each one that comes would take longer than it


@dataclass(frozen=True)
class _Copy:
    path: Path
    size: int
    used_at: float
    linked: bool


class BlobCache:
    """One directory, used by all processes of a home at once."""

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self._root = root
        self._limit = limit_bytes
        self._come = limit_bytes  # the first one that comes finds out what earlier processes left
        root.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256

    def find(self, sha256: str) -> Path | None:
        """The copy, from now on recently used."""
        path = self.path(sha256)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def keep(self, source: Path, sha256: str) -> Path:
        """Take the file over. Its content has been read and is right."""
        size = source.stat().st_size
        publish(source, self.path(sha256))
        self._come += size
        if self._come > self._limit // SLACK:
            self._come = 0
            self._trim()
        return self.path(sha256)

    def drop(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)

    def _trim(self) -> None:
        copies = sorted(self._copies(), key=lambda copy: copy.used_at)
        total = sum(copy.size for copy in copies)
        recent = time.time() - RECENT_SECONDS
        for copy in copies:
            if total <= self._limit or copy.used_at > recent:
                return
            if not copy.linked:
                copy.path.unlink(missing_ok=True)
                total -= copy.size

    def _copies(self) -> Iterator[_Copy]:
        for path in self._root.glob("??/*"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # another process trims too
            yield _Copy(path, status.st_size, status.st_mtime, status.st_nlink > 1)
