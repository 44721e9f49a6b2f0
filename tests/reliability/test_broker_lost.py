"""A real Redis that forgets, dies, hangs and comes back; and one that is told to do harm."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from kombu import Connection

from app.accounts.tokens import create_service_token
from app.core.security import Role
from app.core.services import Services
from app.main import create
from app.runs.messaging import EXECUTE_STEP
from app.runs.tables import Run, Step
from tests.app.runs.staging import Stage
from tests.conftest import BASE_URL
from tests.programs.fleet import Fleet, wait_until
from tests.programs.redis_server import RedisServer
from tests.reliability.invariants import Watch

QUEUED = 50
SUBMITTED = 5
FLAPS = 10


def all_succeeded(services: Services) -> bool:
    with services.works.reading() as work:
        statuses = [run.status for run in work.session.query(Run)]
    assert not {"failed", "cancelled"} & set(statuses), statuses
    return bool(statuses) and set(statuses) == {"succeeded"}


def wait_for_all(fleet: Fleet) -> None:
    services = fleet.toys.services

    def ended() -> bool:
        assert [each.poll() for each in fleet.processes] == [None] * len(fleet.processes), "a worker ended"
        return all_succeeded(services)

    wait_until(ended, "all runs succeeded")
    Watch(services).look()


def attempts_of(services: Services) -> set[int]:
    with services.works.reading() as work:
        return {step.attempt for step in work.session.query(Step)}


def test_c02_a_broker_that_forgets_fifty_messages_costs_no_run(
    production_fleet: Fleet, own_redis: RedisServer
) -> None:
    for _ in range(QUEUED):
        production_fleet.toys.launch("single")
    assert own_redis.waiting("io") == QUEUED
    with own_redis.client() as client:
        client.flushall()
    assert own_redis.waiting("io") == 0
    production_fleet.start("io")
    wait_for_all(production_fleet)
    assert attempts_of(production_fleet.toys.services) == {1}


@pytest.fixture
def submit(production_fleet: Fleet) -> Callable[[], int]:
    """Starts a run by the REST interface; the answer's status."""
    services = production_fleet.toys.services
    Stage(services, "usr_1").dataset()
    with services.works.writing() as work:
        _, secret = create_service_token(work, "nightly", Role.EDITOR)
    client = TestClient(create(services), base_url=BASE_URL, headers={"Authorization": f"Bearer {secret}"})

    def submitted() -> int:
        return client.post("/api/v1/runs", json={"dataset": "clothing", "pipeline": "single"}).status_code

    return submitted


def test_c03_submitting_answers_while_the_broker_is_away_and_nothing_is_lost(
    production_fleet: Fleet, own_redis: RedisServer, submit: Callable[[], int]
) -> None:
    """Away until the submissions have been answered: if they waited for it they would wait for ever."""
    own_redis.kill()
    answers = [submit() for _ in range(SUBMITTED)]
    own_redis.start()
    own_redis.freeze()
    answers += [submit() for _ in range(SUBMITTED)]
    own_redis.thaw()
    assert answers == [201] * 2 * SUBMITTED
    production_fleet.start("io")
    wait_for_all(production_fleet)
    with production_fleet.toys.services.works.reading() as work:
        assert work.session.query(Run).count() == 2 * SUBMITTED


def test_c04_a_worker_outlives_a_broker_that_flaps(production_fleet: Fleet, own_redis: RedisServer) -> None:
    worker = production_fleet.start("io")
    for _ in range(FLAPS):
        wait_until(own_redis.listeners, "the worker listened")
        own_redis.kill()
        production_fleet.toys.launch("single")
        own_redis.start()
    wait_for_all(production_fleet)
    wait_until(own_redis.listeners, "the worker listened")
    production_fleet.toys.launch("single")
    wait_for_all(production_fleet)
    assert worker.poll() is None
    assert len(production_fleet.processes) == 1


class Harm:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_c16_a_pickle_on_the_queue_is_refused_and_the_worker_goes_on(
    production_fleet: Fleet, own_redis: RedisServer, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    pickle.loads(pickle.dumps(Harm(done))).close()
    assert done.exists(), "the message would do harm"
    done.unlink()
    with Connection(own_redis.url) as connection:
        connection.Producer().publish(
            ((Harm(done),), {}, {}),
            serializer="pickle",
            routing_key="io",
            headers={"task": EXECUTE_STEP, "id": "1", "lang": "py"},
        )
    worker = production_fleet.start("io")
    wait_until(lambda: own_redis.waiting("io") == 0, "the message was taken")
    production_fleet.toys.launch("single")
    wait_for_all(production_fleet)
    assert not done.exists()
    assert worker.poll() is None
    assert "Refusing to deserialize" in production_fleet.logs[0].read_text()
