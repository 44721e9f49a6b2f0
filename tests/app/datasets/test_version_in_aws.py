"""A version is sent to the simulated AWS by a worker, registered in Glue, sent again, and taken away."""

import hashlib
import io
from collections.abc import Callable

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.datasets.subject import describe_datasets, describe_versions
from app.integrations.aws import queries as ledger
from tests.app.datasets.importing import push, push_ready
from tests.app.datasets.in_aws import do_errands, set_up
from tests.programs.cloud import Simulator

WITH_CATEGORY = b"text,rating,category\n" + b"".join(
    b"a review number %d,%d,%s\n" % (n, n % 5 + 1, b"Dresses" if n % 2 else b"Knits") for n in range(40)
)


@pytest.fixture
def edda(simulator: Simulator, as_role: Callable[..., TestClient]) -> TestClient:
    return as_role("editor")


@pytest.fixture
def bucket(simulator: Simulator, services: Services) -> str:
    return set_up(services, simulator)


def address(version: dict[str, object]) -> str:
    return f"/api/v1/datasets/dresses/versions/{version['version']}/aws"


def test_a_version_is_sent_registered_and_told(
    edda: TestClient, services: Services, simulator: Simulator, bucket: str
) -> None:
    url = address(push_ready(edda, services, WITH_CATEGORY))
    assert edda.get(url).json()["in_aws"] is False
    ordered = edda.post(url)
    assert (ordered.status_code, ordered.json()["state"]) == (202, "waiting")
    assert edda.post(url).json()["id"] == ordered.json()["id"], "the same again is the same"
    assert do_errands(services) == 1
    told = edda.get(url).json()
    assert (told["in_aws"], told["table"], told["last"]["state"]) == (True, "dresses_v1", "done")
    assert told["location"] == f"s3://{bucket}/fittingroom-{bucket}/datasets/dresses/v1/"
    assert told["last"]["result"]["rows"] == 40
    shards = [key for key in simulator.keys(told["location"]) if not key.startswith("_")]
    assert len(shards) == 1
    content = simulator.read(told["location"] + shards[0])
    assert shards[0] == f"{hashlib.sha256(content).hexdigest()}.parquet"
    rows = pq.read_table(io.BytesIO(content)).to_pylist()
    assert [row["sentiment"] for row in rows[:5]] == [-1, -1, 0, 1, 1]
    assert rows[0]["review_body"] == "a review number 0"
    assert {row["product_category"] for row in rows} == {"Dresses", "Knits"}


def test_the_table_in_glue_has_the_labs_columns_and_ours(
    edda: TestClient, services: Services, simulator: Simulator, bucket: str
) -> None:
    url = address(push_ready(edda, services, WITH_CATEGORY))
    edda.post(url)
    do_errands(services)
    told = edda.get(url).json()
    table = simulator.client("glue").get_table(DatabaseName=told["database"], Name=told["table"])["Table"]
    columns = {each["Name"]: each["Type"] for each in table["StorageDescriptor"]["Columns"]}
    labs = {"sentiment": "int", "review_body": "string", "product_category": "string"}
    assert labs.items() <= columns.items()
    assert {"review_id", "title", "star_rating", "label", "review_date", "source_row"} <= columns.keys()
    assert table["StorageDescriptor"]["Location"] == told["location"]
    assert table["Parameters"]["recordCount"] == "40"


def test_sending_again_sends_nothing_and_clears_what_does_not_belong(
    edda: TestClient, services: Services, simulator: Simulator, bucket: str
) -> None:
    url = address(push_ready(edda, services, WITH_CATEGORY))
    edda.post(url)
    do_errands(services)
    told = edda.get(url).json()
    before = simulator.keys(told["location"])
    simulator.put(told["location"] + "left-over.parquet", b"of a worker that died")
    mark = simulator.mark()
    edda.post(url)
    do_errands(services)
    assert "PutObject" not in [call["operation"] for call in simulator.calls(mark)]
    assert simulator.keys(told["location"]) == before
    result = edda.get(url).json()["last"]["result"]
    assert (result["strays"], [file["already"] for file in result["files"]]) == (1, [True, True])


def test_it_is_taken_away_with_its_table_and_the_ledger_knows(
    edda: TestClient, services: Services, simulator: Simulator, bucket: str
) -> None:
    url = address(push_ready(edda, services, WITH_CATEGORY))
    assert edda.delete(url).status_code == 409, "it is not there yet"
    edda.post(url)
    do_errands(services)
    told = edda.get(url).json()
    named = {
        "s3-prefix": told["location"],
        "glue-table": f"{told['database']}.{told['table']}",
        "glue-database": told["database"],
    }
    assert deleted(services, named) == dict.fromkeys(named, False)
    version = edda.get("/api/v1/datasets/dresses/versions/1").json()
    assert kept_back(services, version) == [
        "Its rows are in AWS, too: remove them there first.",
        "The rows of v1 are in AWS, too: remove them there first.",
    ]
    assert edda.delete(url).status_code == 202
    do_errands(services)
    assert kept_back(services, version) == []
    assert edda.get(url).json()["in_aws"] is False
    assert simulator.keys(told["location"]) == []
    databases = simulator.client("glue").get_databases()["DatabaseList"]
    assert told["database"] not in [each["Name"] for each in databases]
    assert deleted(services, named) == dict.fromkeys(named, True)


def kept_back(services: Services, version: dict[str, str]) -> list[str]:
    """What stands in the way of deleting the version, or its data set, here."""
    with services.works.reading() as work:
        ids = [version["id"], version["dataset_id"]]
        found = {**describe_versions(work, ids), **describe_datasets(work, ids)}
    return [text for each in ids for text in found[each].refusals]


def deleted(services: Services, named: dict[str, str]) -> dict[str, bool]:
    with services.works.reading() as work:
        rows = {kind: ledger.resource(work.session, kind, name, "us-east-1") for kind, name in named.items()}
    assert all(rows.values())
    return {kind: row.deleted_at is not None for kind, row in rows.items() if row}


@pytest.mark.parametrize(
    ("operation", "code", "state", "said"),
    [
        ("S3.*", "SlowDown", "waiting", "AWS could not"),
        ("CreateTable", "ExpiredTokenException", "waiting", "does not accept the credentials"),
        ("CreateTable", "AccessDeniedException", "failed", "glue:CreateTable"),
    ],
)
def test_what_fails_is_told_and_the_next_sending_ends_well(
    edda: TestClient,
    services: Services,
    simulator: Simulator,
    bucket: str,
    operation: str,
    code: str,
    state: str,
    said: str,
) -> None:
    url = address(push_ready(edda, services, WITH_CATEGORY))
    edda.post(url)
    simulator.fail(operation, code, times=-1)
    do_errands(services)
    told = edda.get(url).json()
    assert (told["in_aws"], told["last"]["state"]) == (False, state)
    assert said in told["last"]["message"]
    simulator.mend()
    edda.post(f"{url}/cancellation")
    edda.post(url)
    do_errands(services)
    assert edda.get(url).json()["in_aws"] is True


def test_what_is_not_ready_or_nowhere_to_go_is_refused(edda: TestClient, services: Services) -> None:
    url = address(push_ready(edda, services))
    answer = edda.post(url)
    assert (answer.status_code, answer.json()["code"]) == (409, "cloud_not_set_up")


def test_a_version_that_is_not_ready_stays(
    edda: TestClient, services: Services, simulator: Simulator, bucket: str
) -> None:
    answer = edda.post(address(push(edda).json()))
    assert (answer.status_code, answer.json()["code"]) == (409, "version_not_ready")


def test_who_may_only_look_sends_nothing(
    edda: TestClient, as_role: Callable[..., TestClient], services: Services, bucket: str
) -> None:
    url = address(push_ready(edda, services))
    vera = as_role("viewer")
    assert vera.get(url).status_code == 200
    assert [vera.post(url).status_code, vera.delete(url).status_code] == [403, 403]
