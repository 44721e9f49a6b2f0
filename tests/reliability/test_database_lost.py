"""A PostgreSQL that crashes and comes back, under workers and under the web application."""

import random
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from app.accounts.tokens import create_service_token
from app.core.security import Role
from app.core.services import Services
from app.core.settings import Settings
from app.handlers import open_services
from app.main import create
from app.runs import leases, queries
from app.runs.leases import Ending, Lease
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Run, Step
from tests.conftest import BASE_URL
from tests.programs.fleet import Fleet, programs_of, wait_until
from tests.programs.installation import Inbox, Toys, toy_services
from tests.programs.postgres import Postgres
from tests.reliability.invariants import Watch

CRASHES = 5
LEASE_SECONDS = 4.0


def ended(services: Services) -> bool:
    """Asked while the database comes and goes."""
    try:
        with services.works.reading() as work:
            return {run.status for run in work.session.query(Run)} <= {"succeeded", "failed", "cancelled"}
    except DBAPIError:
        return False


def attempts_of(fleet: Fleet, run_id: str, step: str) -> list[str]:
    detail = fleet.toys.detail(run_id)
    found = detail.step(step)
    assert found is not None
    return [attempt.status for attempt in detail.attempts[found.id]]


@pytest.fixture
def toys(production: Settings) -> Iterator[Toys]:
    """Runs whose steps this process claims and finishes itself."""
    services = open_services(production)
    inbox = Inbox()
    yield Toys(toy_services(services, inbox), inbox)
    services.close()


def acts_unless_crashed(services: Services, server: Postgres, nth: int, act: Callable[[], object]) -> bool:
    """The server dies in the moment in which this process would commit for the nth time."""
    commits = count(1)

    def crash(_connection: Connection) -> None:
        if next(commits) == nth:
            server.crash()

    engine = services.databases.main.engine
    event.listen(engine, "commit", crash)
    try:
        act()
    except DBAPIError:
        server.start()
        return False
    finally:
        event.remove(engine, "commit", crash)
    return True


@pytest.mark.parametrize("moment", ["claim", "finish"])
def test_c05_a_database_that_crashes_at_a_commit_leaves_no_half_of_it(
    toys: Toys, own_postgres: Postgres, moment: str
) -> None:
    """At the first commit, at the second, and so on, until there are no more and it is done."""
    services, watch = toys.services, Watch(toys.services)
    step = toys.detail(toys.launch("single")).steps[0]
    done = Ending(StepState.FAILED, AttemptStatus.FAILED, "done")
    held: list[Lease | None] = []

    def claim() -> None:
        with services.works.writing() as work:
            held.append(leases.claim(work, step, "here", 60))

    def finish() -> None:
        with services.works.writing() as work:
            assert held[-1] is not None
            assert leases.finish(work, services, held[-1], done)

    if moment == "finish":
        claim()
    act = claim if moment == "claim" else finish
    before = toys.detail(step.run_id).steps[0].state
    tries = 1
    while not acts_unless_crashed(services, own_postgres, tries, act):
        watch.look()
        assert toys.detail(step.run_id).steps[0].state == before
        tries += 1
    watch.look()
    assert tries > 1, "there was a commit"
    assert toys.detail(step.run_id).steps[0].state == ("leased" if moment == "claim" else "failed")
    assert toys.detail(step.run_id).steps[0].fence == 1


def test_c05_runs_go_through_crashes_of_the_database_at_any_moment(
    production_fleet: Fleet, own_postgres: Postgres
) -> None:
    services = production_fleet.toys.services
    production_fleet.lease_seconds = LEASE_SECONDS
    production_fleet.start("io")
    watch = Watch(services)
    moments = random.Random()
    for _ in range(CRASHES):
        for _ in range(2):
            production_fleet.toys.launch("signed")
        time.sleep(moments.uniform(0.1, 1.5))
        own_postgres.crash()
        own_postgres.start()
        watch.look()
    wait_until(lambda: ended(services), "all runs ended")
    watch.look()
    with services.works.reading() as work:
        assert {run.status for run in work.session.query(Run)} == {"succeeded"}
        assert work.session.query(Run).count() == 2 * CRASHES
        steps = list(work.session.query(Step))
    assert {step.state for step in steps} == {"succeeded"}
    assert [each.poll() for each in production_fleet.processes] == [None]


def test_c06_a_worker_without_its_database_kills_its_program_and_nothing_is_done_twice(
    production_fleet: Fleet, own_postgres: Postgres
) -> None:
    fleet, services = production_fleet, production_fleet.toys.services
    fleet.lease_seconds = LEASE_SECONDS
    worker = fleet.start("io")
    run_id = fleet.toys.launch("signed", parameters={"seconds": 600})
    wait_until(lambda: len(programs_of(services)) == 2, "both programs ran")
    own_postgres.crash()
    gone_at = time.monotonic()
    wait_until(lambda: programs_of(services) == [], "the worker killed its programs")
    # Two leases without a database: everybody else would be free to take the steps by now.
    time.sleep(max(0.0, gone_at + 2 * LEASE_SECONDS - time.monotonic()))
    assert worker.poll() is None
    own_postgres.start()
    wait_until(lambda: len(programs_of(services)) == 2, "the steps were tried again")
    Watch(services).look()
    assert attempts_of(fleet, run_id, "left") == ["lost", "running"]
    assert attempts_of(fleet, run_id, "right") == ["lost", "running"]


def test_a_worker_that_starts_before_its_database_finds_it_later(
    production_fleet: Fleet, own_postgres: Postgres
) -> None:
    production_fleet.toys.launch("single")
    own_postgres.crash()
    worker = production_fleet.launch("io")
    log = production_fleet.logs[0]
    wait_until(lambda: "OperationalError" in log.read_text(), "the worker missed its database")
    own_postgres.start()
    wait_until(lambda: ended(production_fleet.toys.services), "the run ended")
    Watch(production_fleet.toys.services).look()
    assert worker.poll() is None


def test_pages_and_programs_are_told_to_come_back_while_the_database_is_away(
    production: Settings, own_postgres: Postgres
) -> None:
    services = open_services(production, "web")
    with services.works.writing() as work:
        _, secret = create_service_token(work, "nightly", Role.VIEWER)
    app = create(services)
    client = TestClient(app, base_url=BASE_URL, headers={"Authorization": f"Bearer {secret}"})
    balancer = TestClient(app, base_url=BASE_URL)
    assert client.get("/api/v1/runs").status_code == 200
    own_postgres.crash()
    for address in ("/", "/runs", "/api/v1/runs", "/nothing/here"):
        answer = client.get(address)
        assert (address, answer.status_code) == (address, 503 if address != "/nothing/here" else 404)
        if answer.status_code == 503:
            assert answer.headers["Retry-After"] == "5"
            assert "does not answer" in answer.text
    assert balancer.get("/livez").status_code == 200
    assert balancer.get("/readyz").json()["checks"]["database"] is False
    own_postgres.start()
    # The very first request finds connections that died with the server, and asks for new ones.
    assert client.get("/api/v1/runs").status_code == 200
    assert client.get("/runs").status_code == 200
    services.close()


def test_what_a_reader_is_still_given_of_a_statement_is_closed(toys: Toys) -> None:
    """A log read in part keeps nothing open on the server: warnings are errors here."""
    run_id = toys.launch("single")
    toys.deliver()
    with toys.services.works.telemetry_reading() as work:
        step = toys.detail(run_id).steps[0]
        queries.log_lines(work.session, run_id, step.id, 1, limit=1)
