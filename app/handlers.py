"""Connects the features: opens what a process stands on, and gives each protocol its implementation."""

from app.core.changes import Watcher
from app.core.database import Databases
from app.core.services import Handlers, Services
from app.core.settings import Settings
from app.core.storage import LocalStorage
from app.core.work import Works
from app.runs.launch import RunLauncher
from app.runs.messaging import CeleryMessenger


def open_services(settings: Settings) -> Services:
    settings.home.mkdir(parents=True, exist_ok=True)
    databases = Databases.open(settings)
    works = Works(databases)
    messenger = CeleryMessenger(settings.broker_url)
    return Services(
        settings=settings,
        databases=databases,
        works=works,
        storage=LocalStorage(settings.home / "storage"),
        watcher=Watcher(works),
        messenger=messenger,
        launcher=RunLauncher({}, messenger),
        handlers=Handlers(),
    )
