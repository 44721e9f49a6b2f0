"""What keeps an installation going, done on the machine itself: it opens home, database and storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core.errors import NotFound
from app.core.services import Services
from app.core.settings import Settings
from app.core.storage.opening import open_storage
from app.handlers import open_services
from app.monitoring import checking, collecting, views
from app.monitoring.backup import restoring, saving
from app.monitoring.backup.folder import Progress
from app.monitoring.backup.restoring import Restored
from app.monitoring.backup.saving import Saved
from app.monitoring.checking import Report


class NoInstallation(NotFound):
    title = "There is no installation"


def save(directory: Path, progress: Progress) -> Saved:
    settings = _there(Settings())
    return saving.save(settings, open_storage(settings), directory.resolve(), progress)


def bring_back(directory: Path, home: Path, progress: Progress) -> Restored:
    return restoring.restore(Settings(home=home), directory.resolve(), progress)


def compare(content: bool) -> tuple[Report, dict[str, Any]]:
    with _opened() as services:
        report = checking.check(services, content=content)
    return report, views.report_json(report)


def collect_files(hours: float, dry: bool) -> dict[str, Any]:
    with _opened() as services:
        return views.collection_json(collecting.collect(services, hours=hours, dry=dry))


@contextmanager
def _opened() -> Iterator[Services]:
    services = open_services(_there(Settings()))
    try:
        yield services
    finally:
        services.close()


def _there(settings: Settings) -> Settings:
    """A mistyped home must not become a new and empty one."""
    if settings.database_url is None and not (settings.home / "main.db").exists():
        raise NoInstallation(f"{settings.home} holds no installation.", "Set FITTINGROOM_HOME.")
    return settings
