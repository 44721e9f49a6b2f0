import subprocess
from collections.abc import Iterator

import pytest

from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from tests.programs.fleet import Fleet, start_broker
from tests.programs.installation import Inbox, Toys, toy_services


@pytest.fixture
def toys(services: Services) -> Toys:
    inbox = Inbox()
    return Toys(toy_services(services, inbox), inbox)


@pytest.fixture
def broker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    process = start_broker(settings)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def fleet(broker: subprocess.Popen[bytes], settings: Settings) -> Iterator[Fleet]:
    """Workers as separate processes; the messages really go through the broker."""
    services = open_services(settings)
    fleet = Fleet(Toys(toy_services(services), Inbox()))
    yield fleet
    fleet.end()
    services.close()
