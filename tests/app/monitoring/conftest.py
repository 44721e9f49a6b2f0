"""An installation in which everything has happened, made once a test process and copied for each test."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core import migrations
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services


@dataclass
class Copied:
    """``ids`` are those of the house, by what they show."""

    services: Services
    runs: dict[str, str]
    versions: dict[str, str]

    @property
    def home(self) -> Path:
        return self.services.settings.home


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict[str, str]]:
    from tests.programs.full_house import furnish

    home = tmp_path_factory.mktemp("house") / "home"
    migrations.upgrade(Settings(home=home, database_url=None, redis_url=None))
    house = furnish(home)
    house.services.close()
    return home, house.runs, house.versions


@pytest.fixture
def house(lived_in: tuple[Path, dict[str, str], dict[str, str]], tmp_path: Path) -> Iterator[Copied]:
    source, runs, versions = lived_in
    home = tmp_path / "house"
    shutil.copytree(source, home)
    services = open_services(Settings(home=home, sample=None, database_url=None, redis_url=None))
    yield Copied(services, runs, versions)
    services.close()
