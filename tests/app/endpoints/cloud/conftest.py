from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.core.settings import Settings
from app.endpoints.cloud import tending
from app.registry.queries import NamedVersion
from tests.app.cloud_setup import set_up
from tests.app.endpoints.cloud.shop import Shop, clear
from tests.programs.cloud import Simulator
from workers.courier import Courier


@pytest.fixture
def settings(settings: Settings, simulator: Simulator) -> Settings:
    return settings.model_copy(update={"aws_endpoint": simulator.endpoint})


@pytest.fixture
def shop(
    services: Services,
    simulator: Simulator,
    register: Callable[..., NamedVersion],
    approve: Callable[..., None],
    person: Callable[..., Actor],
    as_role: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Two approved versions, an editor's program, the cloud set up, a courier that is told when to look."""
    for name in ("SOON_SECONDS", "SETTLED_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(tending, name, 0.0)  # a test says itself when it is looked at
    monkeypatch.setattr("app.endpoints.cloud.recording.SOON_SECONDS", 0.0)
    monkeypatch.setattr("app.endpoints.cloud.recording.AGAIN_SECONDS", 0.0)
    set_up(services, simulator, serving_instance="ml.m5.large")
    author, boss = person("editor", "anna"), person("approver", "boss")
    for step in ("1", "2"):
        approve(register(author, step=step, taught=20 * int(step)), boss)
    yield Shop(services, simulator, as_role("editor"), Courier(services, "test"))
    clear(simulator)
