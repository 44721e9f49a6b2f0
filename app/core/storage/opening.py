"""Which storage an installation has, and whether it can be used, said before any work depends on it."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from app.core.settings import Settings
from app.core.storage.base import Storage
from app.core.storage.local import LocalStorage
from app.core.storage.trees import StorageAway, StorageRefused

log = structlog.get_logger()


def open_storage(settings: Settings) -> Storage:
    """Nobody is asked anything yet."""
    if settings.on_s3:
        # Imported where it is needed: the client takes a quarter of a second, at each start of each program.
        from app.core.storage.s3 import S3Storage

        place = urlsplit(settings.storage)
        return S3Storage(
            place.netloc,
            place.path.strip("/"),
            settings.home / "cache",
            settings.cache_bytes,
            settings.s3_endpoint,
        )
    return LocalStorage(Path(settings.storage or settings.home / "storage"))


def check_at_start(storage: Storage) -> None:
    """Ends a program that can't do its work until a person mends something. A storage that is merely away
    may come back: work waits for it."""
    try:
        storage.check()
    except StorageRefused as refused:
        sys.exit(f"{refused.message}\n{refused.advice}")
    except StorageAway as away:
        log.warning("storage_away", message=away.message, advice=away.advice)
