"""A whole run of the toy pipeline: launched, worked off by worker and dispatcher, registered."""

from dataclasses import replace
from pathlib import Path

from app.core.services import Services
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.messaging import CeleryMessenger
from tests.programs.installation import toy_services
from tests.reliability import remains, restarting

ONE_CLICK = "one click"


def prepare(home: Path) -> None:
    """Nothing but the databases."""


def act(home: Path) -> None:
    services = _open(home)
    _launch(services)
    restarting.work_off(services, "armed")


def recover(home: Path) -> None:
    services = _open(home)
    number = _launch(services)
    restarting.finish_all(services)
    assert _launch(services) == number == 1, "one click made two runs"
    restarting.sweep(services)
    assert not (found := remains.complaints(services)), "\n".join(found)


def _open(home: Path) -> Services:
    return toy_services(restarting.open_at(home), CeleryMessenger("memory://"))


def _launch(services: Services) -> int:
    """As somebody would who had no answer and sends the same request again."""
    storage = services.storage
    tree = storage.put_manifest([replace(storage.put_bytes(b"reviews"), path="reviews.txt")])
    launcher = services.launcher
    assert isinstance(launcher, RunLauncher)
    request = LaunchRequest("toys", restarting.SOMEBODY, {"dataset": tree.sha256}, idempotency_key=ONE_CLICK)
    with services.works.writing() as work:
        return launcher.start(work, request).number
