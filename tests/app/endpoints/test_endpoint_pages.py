from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.registry.queries import NamedVersion


@pytest.fixture
def deployer(
    register: Callable[..., NamedVersion],
    approve: Callable[..., None],
    person: Callable[..., Actor],
    browser_as: Callable[..., TestClient],
) -> TestClient:
    """A signed-in editor; two approved versions, the second of which reads titles; the first is live."""
    author, boss = person("editor", "anna"), person("approver", "boss")
    approve(register(author, step="1"), boss)
    approve(register(author, step="2", fields=("text", "title")), boss)
    client = browser_as("editor", "emil")
    answer = client.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/endpoints/shop")
    return client


def test_the_endpoint_shows_what_is_live_and_rolls_back(deployer: TestClient) -> None:
    assert "In service" in deployer.get("/endpoints").text
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    page = deployer.get("/endpoints/shop").text
    assert "Roll back to v1" in page
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    assert "Roll back to v2" in deployer.get("/endpoints/shop").text


def test_the_form_predicts_without_a_script(deployer: TestClient) -> None:
    empty = deployer.get("/predict/shop").text
    assert 'name="title"' not in empty
    assert "api/v1/endpoints/shop/predict" in empty
    answer = deployer.post("/predict/shop", data={"text": "The skirt is torn and itchy"})
    assert answer.status_code == 200
    assert ">Negative <" in answer.text
    assert "<svg" in answer.text
    assert "The skirt is torn and itchy</textarea>" in answer.text


def test_an_example_fills_the_form(deployer: TestClient) -> None:
    assert "It pills after two washes" in deployer.get("/predict/shop?example=2").text
    assert deployer.get("/predict/shop?example=9").status_code == 422


def test_a_version_that_reads_titles_asks_for_one(deployer: TestClient) -> None:
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    assert 'name="title"' in deployer.get("/predict/shop").text
    answer = deployer.post("/predict/shop", data={"text": "The skirt", "title": "lovely gorgeous perfect"})
    assert ">Positive <" in answer.text


def test_a_long_review_carries_a_notice(deployer: TestClient) -> None:
    answer = deployer.post("/predict/shop", data={"text": " ".join(["dress"] * 40)})
    assert "40 tokens, first 16 used" in answer.text


def test_an_empty_review_is_asked_for(deployer: TestClient) -> None:
    answer = deployer.post("/predict/shop", data={"text": "  "})
    assert answer.status_code == 422
    assert "the text is empty" in answer.text


def test_hostile_text_stays_text(deployer: TestClient) -> None:
    answer = deployer.post("/predict/shop", data={"text": "</textarea><script>alert('x')</script>"})
    assert "<script>alert" not in answer.text


def test_a_choice_that_is_none(deployer: TestClient) -> None:
    for pick in ("", "clothing", "@1", "clothing@one", "clothing@-1", "clothing@" + "9" * 30):
        answer = deployer.post("/deployments", data={"endpoint": "shop", "pick": pick})
        assert answer.status_code == 422, pick


def test_an_endpoint_that_is_not_there(deployer: TestClient) -> None:
    for url in ("/endpoints/none", "/predict/none"):
        assert deployer.get(url).status_code == 404
