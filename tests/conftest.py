"""What tests of every part share: an installation of its own for each test, with real databases.

``client`` is nobody, ``as_role("editor")`` a program with a token, ``browser_as("editor")`` a signed-in
browser. All of them speak HTTP to the real application.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.left_out import pytest_sessionfinish, pytest_terminal_summary  # noqa: F401 - hooks of pytest
from tests.programs.server_logs import pytest_runtest_makereport  # noqa: F401 - a hook of pytest

if TYPE_CHECKING:  # the parts of ml under test need none of this
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from app.core.security import Actor
    from app.core.services import Services
    from app.core.settings import Settings
    from app.core.work import Works
    from tests.programs.cloud import Simulator
    from tests.programs.postgres import Postgres
    from tests.programs.s3 import S3Server

# As a worker gives it to its programs: tests run beside each other too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

BASE_URL = "http://127.0.0.1:8000"
PASSWORD = "an honest long sentence"
ONLY_DATABASE = os.environ.get("FITTINGROOM_TEST_DATABASE")
SAMPLE = Path("shared/data/womens_clothing_ecommerce_reviews.csv")


@pytest.fixture(scope="session")
def sample() -> Path:
    """The real reviews. FITTINGROOM_SAMPLE names the file; without it the test says so and is left out."""
    named = os.environ.get("FITTINGROOM_SAMPLE")
    root = Path(__file__).parents[1]
    for path in (Path(named) if named else None, root.parent / SAMPLE):
        if path and path.exists():
            return path
    if os.environ.get("CI"):
        pytest.fail("FITTINGROOM_SAMPLE names no file, and in CI nothing is left out")
    pytest.skip("LEFT OUT: the real reviews are missing; set FITTINGROOM_SAMPLE to the CSV file")


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real encoder cut to its two lowest layers."""
    from tests.small_encoder import write_small_encoder

    return write_small_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Databases as the real migrations make them, once a test run; each test gets a copy."""
    from app.core import migrations
    from app.core.settings import Settings

    home = tmp_path_factory.mktemp("migrated")
    migrations.upgrade(Settings(home=home))
    return home


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """One server a test process."""
    from tests.programs.postgres import find_program, serving_postgres

    if not find_program("initdb"):
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL, and in CI nothing is left out")
        pytest.skip("LEFT OUT: no PostgreSQL; apt-get install postgresql")
    with serving_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: "Postgres", tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database as the real migrations make it, to copy."""
    from app.core import migrations
    from app.core.settings import Settings
    from tests.programs.postgres import name_in

    url = postgres.create()
    migrations.upgrade(Settings(home=tmp_path_factory.mktemp("migrated"), database_url=url))
    return name_in(url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``both_databases`` on a module or a test: what uses a database runs on SQLite and on PostgreSQL."""
    marked = metafunc.definition.get_closest_marker("both_databases")
    if marked and "database_url" in metafunc.fixturenames and not ONLY_DATABASE:
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def s3_server() -> "Iterator[S3Server]":
    """One server a test process."""
    from tests.programs.s3 import serving_s3

    with serving_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: "S3Server", monkeypatch: pytest.MonkeyPatch) -> "S3Server":
    """The server, and credentials for it in the environment, where a storage looks for them."""
    from tests.programs.s3 import ALONE, CREDENTIALS

    for name, value in {**CREDENTIALS, **ALONE}.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="session")
def simulator_server() -> "Iterator[Simulator]":
    """One simulator of AWS a test process."""
    from tests.programs.cloud import serving_simulator

    with serving_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(simulator_server: "Simulator", monkeypatch: pytest.MonkeyPatch) -> "Iterator[Simulator]":
    """It, with credentials and its address in the environment; faults are taken back afterwards."""
    for name, value in simulator_server.environ.items():
        monkeypatch.setenv(name, value)
    yield simulator_server
    simulator_server.mend()


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None means SQLite. ``FITTINGROOM_TEST_DATABASE=postgresql`` gives every test a database on a real
    PostgreSQL; a test that is only about one asks for it by an indirect parameter."""
    if getattr(request, "param", ONLY_DATABASE) != "postgresql":
        yield None
        return
    postgres = request.getfixturevalue("postgres")
    url = postgres.create(request.getfixturevalue("migrated_postgres"))
    yield url
    postgres.drop(url)


@pytest.fixture
def settings(tmp_path: Path, migrated_home: Path, database_url: str | None) -> "Settings":
    from app.core.settings import Settings

    home = tmp_path / "home"
    shutil.copytree(migrated_home, home)
    return Settings(home=home, sample=None, database_url=database_url, redis_url=None, port=8000)


@pytest.fixture
def services(settings: "Settings") -> Iterator["Services"]:
    """Real databases and storage; no broker runs, which a request never needs."""
    from app.handlers import open_services

    services = open_services(settings)
    yield services
    services.close()


@pytest.fixture
def works(services: "Services") -> "Works":
    return services.works


@pytest.fixture
def app(services: "Services") -> "FastAPI":
    from app.main import create

    return create(services)


@pytest.fixture
def connect(app: "FastAPI") -> Iterator[Callable[[], "TestClient"]]:
    """Makes clients that share no cookies. The watcher and the streams live in one event loop each."""
    from fastapi.testclient import TestClient

    opened: list[TestClient] = []

    def open_client() -> TestClient:
        client = TestClient(app, base_url=BASE_URL, follow_redirects=False)
        client.__enter__()
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(connect: Callable[[], "TestClient"]) -> "TestClient":
    """A client that nobody has signed in."""
    return connect()


@pytest.fixture
def as_role(services: "Services", connect: Callable[[], "TestClient"]) -> Callable[..., "TestClient"]:
    """``as_role("editor")``: a client whose bearer token belongs to a new program of that role."""
    from app.accounts.tokens import create_service_token
    from app.core.security import Role

    def signed_in(role: str, name: str = "") -> "TestClient":
        with services.works.writing() as work:
            _, secret = create_service_token(work, name or f"{role}-program", Role(role))
        client = connect()
        client.headers["Authorization"] = f"Bearer {secret}"
        return client

    return signed_in


@pytest.fixture
def person(services: "Services") -> Callable[..., "Actor"]:
    """``person("approver", "anna")``: a user with PASSWORD, as the actor that verbs take."""
    from app.accounts import passwords
    from app.accounts.tables import User
    from app.core.ids import new_id
    from app.core.security import Actor, Role

    def create_person(role: str, name: str = "") -> Actor:
        user = User(id=new_id("usr"), name=name or role, role=role)
        user.password_hash = passwords.hash_password(PASSWORD)
        with services.works.writing() as work:
            work.session.add(user)
        return Actor(user.id, user.name, Role(role))

    return create_person


@pytest.fixture
def browser_as(
    person: Callable[..., "Actor"], connect: Callable[[], "TestClient"]
) -> Callable[..., "TestClient"]:
    """``browser_as("editor")``: a client that signed in through the form and holds the cookie."""

    def signed_in(role: str, name: str = "") -> "TestClient":
        actor = person(role, name)
        client = connect()
        answer = client.post("/login", data={"name": actor.name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    return signed_in
