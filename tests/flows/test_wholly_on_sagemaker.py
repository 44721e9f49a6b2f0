"""The main job wholly through SageMaker, on the simulator: from an upload to an invoked endpoint; and here.

One installation, two runs of the same data with the same parameters: one by the workers here, one as an
execution of a pipeline there. What is measured must be the same to the byte.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.product import (
    Product,
    small_training,
    start_arguments,
    start_product,
    stop_product,
    wait_for,
    write_subset,
)
from tests.programs.cloud import Simulator

pytestmark = pytest.mark.flow

MODEL, ENDPOINT = "clothing", "shop"
REVIEW = "Runs small and the seams came apart"
STEPS = ["prepare", "train", "evaluate", "gate", "register"]


@pytest.fixture(scope="module")
def cloudy(
    simulator_server: Simulator, tmp_path_factory: pytest.TempPathFactory, sample: Path
) -> Iterator[Product]:
    """An installation whose AWS is the simulator, with a version of 600 real reviews."""
    home = tmp_path_factory.mktemp("home")
    product = start_product(home, FITTINGROOM_SAMPLE=str(sample), **simulator_server.environ)
    bucket = simulator_server.new_bucket()
    where = ("--region", simulator_server.region, "--bucket", bucket, "--role", simulator_server.role_arn)
    said(product, "cloud", "setup", *where)
    reviews = write_subset(sample, home / "reviews.csv", each=200)
    said(product, "dataset", "push", str(reviews), "--name", MODEL)
    yield product
    stop_product(product)


@pytest.fixture(scope="module")
def small(small_encoder: Path) -> list[str]:
    return start_arguments(MODEL, **small_training(small_encoder))


@pytest.fixture(scope="module")
def here(cloudy: Product, small: list[str]) -> Any:
    return said(cloudy, *small, "--wait")


@pytest.fixture(scope="module")
def there(cloudy: Product, here: Any, small: list[str]) -> Any:
    """After the one here, whose results it must not take: in a pipeline there its own cache decides."""
    return said(cloudy, *small, "--compute", "sagemaker-pipeline", "--wait")


def said(product: Product, *words: str, role: str = "editor") -> Any:
    answer = product.cli(*words, "-o", "json", role=role)
    assert answer.code == 0, answer.out + answer.err
    return answer.json


def test_the_version_is_sent_and_asked(cloudy: Product) -> None:
    assert said(cloudy, "dataset", "to-aws", MODEL)["table"] == "clothing_v1"
    sql = "SELECT sentiment, COUNT(*) AS reviews FROM clothing_v1 GROUP BY sentiment ORDER BY sentiment"
    rows = said(cloudy, "dataset", "ask", MODEL, "--sql", sql)["result"]["rows"]
    assert rows == [[-1, 200], [0, 200], [1, 200]]


def test_the_run_there_ends_as_the_one_here(here: Any, there: Any) -> None:
    assert (here["compute"], there["compute"]) == ("local", "sagemaker-pipeline")
    for run in (here, there):
        assert run["status"] == "succeeded"
        assert [step["name"] for step in run["steps"]] == STEPS
        assert not any(step["cached"] for step in run["steps"])
        assert run["gate"]["passed"]
    assert there["metrics"] == here["metrics"]


def test_what_was_measured_is_the_same_to_the_byte(cloudy: Product, here: Any, there: Any) -> None:
    with cloudy.api() as api:
        mine, its = (sums(api, run) for run in (here, there))
    assert its["evaluate", "evaluation.json"] == mine["evaluate", "evaluation.json"]
    prepared = [key for key in mine if key[0] == "prepare"]
    assert len(prepared) > 3
    assert [its[key] for key in prepared] == [mine[key] for key in prepared]


def sums(api: httpx.Client, run: Any) -> dict[tuple[str, str], str]:
    """The sha256 of what each step has left."""
    items = api.get(f"/runs/{run['id']}/artifacts").json()["items"]
    return {(each["step"], each["path"]): each["sha256"] for each in items}


def test_it_is_approved_put_on_an_endpoint_there_and_invoked(
    cloudy: Product, there: Any, simulator_server: Simulator
) -> None:
    number = str(there["model_version"]["version"])
    said(cloudy, "model", "approve", MODEL, number, "--comment", "as good as the one here", role="approver")
    mark = simulator_server.mark()
    placed = said(
        cloudy, "deploy", MODEL, number, "--endpoint", ENDPOINT, "--compute", "sagemaker", role="approver"
    )
    with cloudy.api() as api:
        wait_for(
            lambda: api.get(f"/endpoints/{ENDPOINT}").json()["state"] in ("ready", "failed"), "it is ready"
        )
        told = api.get(f"/endpoints/{ENDPOINT}").json()
        assert told["state"] == "ready", told
        answer = api.post(f"/endpoints/{ENDPOINT}/predict", json={"inputs": [REVIEW]})
    assert answer.status_code == 200, answer.text
    [scores] = [each["scores"] for each in answer.json()["predictions"]]
    assert sum(each["score"] for each in scores) == pytest.approx(1, abs=1e-4)
    operations = [call["operation"] for call in simulator_server.calls(mark)]
    assert {"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "InvokeEndpoint"} <= set(operations)
    assert placed["sagemaker"]["name"]
