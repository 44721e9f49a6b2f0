"""A step's artifact goes into the storage, patiently: one that is away must not cost a training."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog

from app.core.storage import Storage, StorageAway, StoredFile, Tree

log = structlog.get_logger()

PATIENCE_SECONDS = 900.0
PAUSE_SECONDS = 2.0

T = TypeVar("T")


def store(storage: Storage, produced: Mapping[str, Path], unwanted: Callable[[], bool]) -> Tree:
    """Moves each file into the storage. ``unwanted`` is asked while the storage is away."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    patience = _Patience(lambda: unwanted() or time.monotonic() > give_up_at)

    def stored(path: str, source: Path) -> StoredFile:
        return replace(patience.of(lambda: storage.put_file(source, move=True)), path=path)

    files = [stored(path, source) for path, source in sorted(produced.items())]
    return patience.of(lambda: storage.put_manifest(files))


class _Patience:
    def __init__(self, spent: Callable[[], bool]) -> None:
        self._spent = spent

    def of(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except StorageAway as away:
                if self._spent():
                    raise
                log.warning("artifact_waits_for_storage", message=away.message)
                time.sleep(PAUSE_SECONDS)
