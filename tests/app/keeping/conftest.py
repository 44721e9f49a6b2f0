from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.security import Actor
from app.core.services import Services
from tests.app.keeping.shelf import Shelf, imported
from tests.app.runs.staging import Stage


@pytest.fixture
def shelf(services: Services, person: Callable[..., Actor], tmp_path: Path) -> Shelf:
    """A data set with one version, and a run on it that went through; Anna, an editor, made them."""
    anna = person("editor", "anna")
    stage = Stage(services, anna.id)
    version = imported(services, anna, "clothing")
    run_id = stage.launch(version.id)
    stage.train(run_id)
    return Shelf(services, stage, anna, version.id, version.run_id or "", run_id, tmp_path)
