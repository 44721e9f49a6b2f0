import subprocess
from collections.abc import Iterator

import pytest

from app.core.services import Services
from app.core.settings import Settings
from tests.programs.fleet import Fleet, fleet_of, serving_broker
from tests.programs.installation import Inbox, Toys, toy_services


@pytest.fixture
def toys(services: Services) -> Toys:
    inbox = Inbox()
    return Toys(toy_services(services, inbox), inbox)


@pytest.fixture
def broker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    with serving_broker(settings) as process:
        yield process


@pytest.fixture
def fleet(broker: subprocess.Popen[bytes], settings: Settings) -> Iterator[Fleet]:
    """Workers as separate processes; the messages really go through the broker."""
    with fleet_of(settings) as fleet:
        yield fleet
