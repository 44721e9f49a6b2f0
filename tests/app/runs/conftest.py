from collections.abc import Callable

import pytest

from app.core.security import Actor
from app.core.services import Services
from tests.app.runs.staging import Stage
from tests.programs.installation import Inbox, Toys, toy_services


@pytest.fixture
def toys(services: Services) -> Toys:
    inbox = Inbox()
    return Toys(toy_services(services, inbox), inbox)


@pytest.fixture
def stage(services: Services, person: Callable[..., Actor]) -> Stage:
    return Stage(services, person("editor", "anna").id)


@pytest.fixture
def run_id(stage: Stage) -> str:
    """A run of the review classifier that nobody works on but the test."""
    return stage.launch(stage.dataset())
