"""The page of a version in AWS, with answers as Athena gives them; nothing here reaches for AWS."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import save_settings
from tests.app.datasets.importing import push_ready
from tests.programs.athena_answers import do

ROLE = "arn:aws:iam::123456789012:role/fitting-room"
REVIEWS = b"text,rating,category\n" + b"".join(
    b"a review number %d,%d,%s\n" % (n, n % 5 + 1, b"Dresses" if n % 2 else b"Knits") for n in range(40)
)


@pytest.fixture
def page(services: Services, browser_as: Callable[..., TestClient]) -> TestClient:
    """Edda's browser, with a ready version and the cloud set up."""
    with services.works.writing() as work:
        wanted = CloudRequest(region="us-east-1", role_arn=ROLE, bucket="reviews-of-ours")
        save_settings(work, "usr_anna", wanted)
    return browser_as("editor")


@pytest.fixture
def url(as_role: Callable[..., TestClient], services: Services) -> str:
    pushed = push_ready(as_role("editor"), services, REVIEWS)
    return f"/datasets/{pushed['dataset_id']}/v/1"


def post(browser: TestClient, url: str, **fields: str) -> Any:
    return browser.post(url, data=fields, headers={"Origin": "http://127.0.0.1:8000"})


def test_a_version_is_sent_asked_and_removed_by_its_page(
    page: TestClient, url: str, services: Services
) -> None:
    assert "It is not in AWS" in page.get(f"{url}/athena").text
    assert "not sent" in page.get(url).text
    answer = post(page, f"{url}/aws")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}/athena")
    moving = page.get(f"{url}/athena").text
    assert "It is being sent to AWS" in moving
    assert 'hx-trigger="every 1s"' in moving
    do(services)
    stands = page.get(f"{url}/athena").text
    assert "It is in AWS" in stands
    assert "fittingroom.dresses_v1" in stands
    assert "s3://reviews-of-ours/fittingroom/datasets/dresses/v1/" in stands
    assert 'hx-trigger="every 1s"' not in stands
    assert "dresses_v1" in page.get(url).text
    post(page, f"{url}/aws/removal")
    do(services)
    assert "It is not in AWS" in page.get(f"{url}/athena").text


def test_the_five_questions_come_with_sql_table_and_picture(
    page: TestClient, url: str, services: Services
) -> None:
    post(page, f"{url}/aws")
    do(services)
    post(page, f"{url}/athena", question="all")
    do(services)
    text = page.get(f"{url}/athena").text
    for key in ("sentiment", "category", "average", "category-sentiment", "words"):
        assert f'id="fig-{key}"' in text, key
    assert text.count("HAVING COUNT(*) &gt; 10") == 5
    assert "Dresses is reviewed best, Knits worst" in text
    assert "A review has 7.2 words on average" in text
    assert text.count("3.0 MB scanned, about $0.00005") == 5


def test_sql_of_ones_own_is_shown_as_it_is_and_as_files(
    page: TestClient, url: str, services: Services
) -> None:
    post(page, f"{url}/aws")
    do(services)
    asked = post(page, f"{url}/athena", sql="SELECT label, COUNT(*) AS reviews FROM dresses_v1 GROUP BY 1;")
    query = asked.headers["location"]
    assert "Cancel query" in page.get(query).text
    do(services)
    text = page.get(query).text
    assert "&lt;b&gt;one&lt;/b&gt;" in text
    assert "SELECT label, COUNT(*) AS reviews FROM dresses_v1 GROUP BY 1" in page.get(f"{url}/athena").text
    assert page.get(f"{query}.json").json()["items"] == [
        {"label": "<b>one</b>", "reviews": 3},
        {"label": None, "reviews": 4},
    ]
    assert page.get(f"{query}.csv").text.splitlines()[0] == "label,reviews"


def test_a_waiting_query_is_cancelled(page: TestClient, url: str, services: Services) -> None:
    post(page, f"{url}/aws")
    do(services)
    query = post(page, f"{url}/athena", sql="SELECT 1").headers["location"]
    post(page, f"{query}/cancellation")
    assert "Cancelled" in page.get(query).text


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE dresses_v1", "", "-- SELECT\nINSERT INTO t SELECT 1", "/* SELECT */ UNLOAD (SELECT 1)"],
    ids=["drop", "nothing", "insert", "unload"],
)
def test_only_a_select_is_sent(page: TestClient, url: str, services: Services, sql: str) -> None:
    post(page, f"{url}/aws")
    do(services)
    answer = post(page, f"{url}/athena", sql=sql)
    assert answer.status_code == 422
    assert "SELECT" in answer.text


def test_nothing_is_asked_of_what_is_not_there(page: TestClient, url: str) -> None:
    assert post(page, f"{url}/athena", question="all").status_code == 409
    assert page.get(f"{url}/athena/er_missing").status_code == 404


def test_without_a_cloud_the_page_says_who_sets_it_up(
    browser_as: Callable[..., TestClient], url: str
) -> None:
    text = browser_as("viewer").get(f"{url}/athena").text
    assert "An administrator does it under Settings, Cloud" in text
    assert "Send to AWS" not in text
