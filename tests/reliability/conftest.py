"""Production's servers for the tests of faults: a PostgreSQL and a Redis that a test may kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import migrations
from app.core.settings import Settings
from tests.programs.fleet import Fleet, fleet_of
from tests.programs.postgres import CAREFUL, Postgres, find_program, name_in, serving_postgres
from tests.programs.redis_server import RedisServer, serving_redis


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[Postgres]:
    """Another server than that of the other tests: these kill it, and it must keep what was committed."""
    assert find_program("initdb"), "PostgreSQL is missing: apt-get install postgresql"
    with serving_postgres(CAREFUL) as server:
        yield server


@pytest.fixture(scope="session")
def own_migrated(own_postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = own_postgres.create()
    migrations.upgrade(Settings(home=tmp_path_factory.mktemp("migrated"), database_url=url))
    return name_in(url)


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    with serving_redis() as server:
        yield server


@pytest.fixture
def production(
    own_postgres: Postgres, own_migrated: str, own_redis: RedisServer, tmp_path: Path
) -> Iterator[Settings]:
    """An installation on both. Whatever a test did to the database's server, the next one finds it up."""
    url = own_postgres.create(own_migrated)
    yield Settings(home=tmp_path / "home", sample=None, database_url=url, redis_url=own_redis.url, port=8000)
    if own_postgres.process and own_postgres.process.poll() is not None:
        own_postgres.start()
    own_postgres.drop(url)


@pytest.fixture
def production_fleet(production: Settings) -> Iterator[Fleet]:
    """Workers as separate processes on PostgreSQL and Redis."""
    with fleet_of(production) as fleet:
        yield fleet
