"""The main job once more, on what production stands on: PostgreSQL and Redis, each a server of its own."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.flows.product import Product, small_training, start_arguments, start_product, stop_product
from tests.programs.postgres import Postgres
from tests.programs.redis_server import RedisServer, serving_redis
from tests.programs.server_logs import RUNNING

pytestmark = pytest.mark.flow

MODEL = "clothing"


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with serving_redis() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """Empty: the product makes its tables itself."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture
def production(tmp_path: Path, database: str, redis_server: RedisServer) -> Iterator[Product]:
    logs = [tmp_path / "home" / "logs" / f"{name}.log" for name in ("web", "worker")]
    RUNNING.extend(logs)
    product = start_product(tmp_path / "home", DATABASE_URL=database, REDIS_URL=redis_server.url)
    yield product
    stop_product(product)
    for log in logs:
        RUNNING.remove(log)


def test_from_a_file_to_an_answer_on_postgresql_and_redis(
    production: Product, database: str, redis_server: RedisServer, reviews: Path, small_encoder: Path
) -> None:
    pushed = production.cli("dataset", "push", str(reviews), "--name", MODEL, "-o", "json")
    assert pushed.code == 0, pushed.err
    assert pushed.json["rows"] == 1200
    arguments = start_arguments(MODEL, **small_training(small_encoder))
    started = production.cli(*arguments, "--wait", "-o", "json")
    assert started.code == 0, started.err
    assert started.json["gate"]["passed"], started.json["gate"]
    assert started.json["model_version"] == {"model": MODEL, "version": 1}
    assert {step["attempts"] for step in started.json["steps"]} == {1}

    refused = production.cli("deploy", MODEL, "1", "--endpoint", "shop")
    assert refused.code == 1, refused.out
    approved = production.cli("model", "approve", MODEL, "1", "--comment", "fits", role="approver")
    assert approved.code == 0, approved.err
    deployed = production.cli("deploy", MODEL, "1", "--endpoint", "shop")
    assert deployed.code == 0, deployed.err
    text = "Runs small and the fabric tore after one wash. Very disappointed."
    answered = production.cli("predict", "shop", text, "-o", "json", role="viewer")
    assert answered.code == 0, answered.err
    scores = {entry["label"]: entry["score"] for entry in answered.json["predictions"][0]["scores"]}
    assert max(scores, key=scores.__getitem__) == "-1", scores

    assert not list(production.home.glob("*.db")), "nothing was kept in SQLite"
    assert not (production.home / "broker").exists(), "no broker of its own was started"
    with psycopg.connect(database) as connection:
        names = {row[0] for row in connection.execute("SELECT application_name FROM pg_stat_activity")}
    assert {"fittingroom web", "fittingroom worker"} <= names
    assert redis_server.listeners() == 1
