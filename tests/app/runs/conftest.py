import pytest

from app.core.services import Services
from tests.programs.installation import Inbox, Toys, toy_services


@pytest.fixture
def toys(services: Services) -> Toys:
    inbox = Inbox()
    return Toys(toy_services(services, inbox), inbox)
