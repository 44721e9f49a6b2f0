"""What a killed process left where work is in progress: an upload, a copy, a model being loaded.

Nobody's is what was not touched for a day: an upload of a slow sender takes hours, and grows all the time.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from app.core.services import Services

log = structlog.get_logger()

KEEP = timedelta(hours=24)


def collect_leftovers(services: Services, keep: timedelta = KEEP) -> list[Path]:
    """Remove them; what was removed."""
    before = datetime.now(UTC) - keep
    abandoned = [path for path in _in_progress(services) if _touched(path) <= before]
    for path in abandoned:
        shutil.rmtree(path, ignore_errors=True)
        log.info("leftovers_removed", path=str(path))
    return abandoned


def _in_progress(services: Services) -> Iterator[Path]:
    yield from services.storage.scratches()
    serving = services.settings.home / "serving"
    if serving.exists():
        yield from serving.iterdir()


def _touched(directory: Path) -> datetime:
    """When anything in it changed last. What vanishes meanwhile is somebody's."""
    newest = 0.0
    for path in (directory, *directory.rglob("*")):
        try:
            newest = max(newest, path.lstat().st_mtime)
        except FileNotFoundError:
            return datetime.now(UTC) + KEEP
    return datetime.fromtimestamp(newest, UTC)
