from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.core.settings import Settings
from app.registry.queries import NamedVersion
from tests.app.cloud_setup import set_up
from tests.app.registry.cloud.twin import Twin
from tests.programs.cloud import Simulator
from workers.courier import Courier


@pytest.fixture
def settings(settings: Settings, simulator: Simulator) -> Settings:
    return settings.model_copy(update={"aws_endpoint": simulator.endpoint})


@pytest.fixture
def twin(
    services: Services,
    simulator: Simulator,
    register: Callable[..., NamedVersion],
    person: Callable[..., Actor],
    as_role: Callable[..., TestClient],
) -> Twin:
    """One version that waits for a decision, its model kept in step with the simulator's registry."""
    set_up(services, simulator)
    register(person("editor", "anna"))
    return Twin(services, simulator, as_role("approver", "bert"), Courier(services, "test"))
