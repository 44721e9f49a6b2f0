from collections.abc import Iterator

import pytest

from app.core.settings import Settings
from tests.programs.aws_toys import AwsToys, open_toys
from tests.programs.cloud import Simulator


@pytest.fixture
def toys(simulator: Simulator, settings: Settings) -> Iterator[AwsToys]:
    """An installation that was set up for the simulator; nothing runs but what a test asks for."""
    settings = settings.model_copy(update={"aws_endpoint": simulator.endpoint})
    toys = open_toys(settings, simulator)
    yield toys
    toys.services.close()
