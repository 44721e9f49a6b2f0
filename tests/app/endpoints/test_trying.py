"""The page to try an endpoint, as a person without a script uses it."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.reading import Page, shown


def tried(client: TestClient, status: int = 200, **form: str) -> Page:
    answer = client.post("/predict/shop", data=form)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


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
    assert "There is no text to read." in answer.text


def test_hostile_text_stays_text(deployer: TestClient) -> None:
    answer = deployer.post("/predict/shop", data={"text": "</textarea><script>alert('x')</script>"})
    assert "<script>alert" not in answer.text


def test_one_review_a_line(deployer: TestClient) -> None:
    lines = "The skirt is torn and itchy\n\n  lovely gorgeous perfect  \nokay, plain, average\n"
    page = tried(deployer, text=lines, by_line="true")
    rows = [row.all("td") for row in page.one(".result").all("table")[0].all("tbody tr")]
    assert [(row[0].text, row[1].text) for row in rows] == [
        ("The skirt is torn and itchy", "negative"),
        ("lovely gorgeous perfect", "positive"),
        ("okay, plain, average", "neutral"),
    ]
    assert page.said("#h-res").startswith("3 reviews")
    assert "checked" in page.one("input[name=by_line]").attributes


def test_too_many_lines_are_refused_with_the_way_out(deployer: TestClient) -> None:
    page = tried(deployer, 422, text="a\n" * 65, by_line="true")
    assert page.said("#f-text-error").startswith("There are 65 reviews, and 64 at a time are the most.")


def test_a_text_that_is_too_long_is_refused_in_plain_words(deployer: TestClient) -> None:
    page = tried(deployer, 422, text="a" * 20_001)
    assert page.said("#f-text-error").startswith("The review has 20,001 characters")


@pytest.mark.parametrize("threshold", ["much", "7", "-0.1", "nan"])
def test_a_threshold_that_is_none(deployer: TestClient, threshold: str) -> None:
    page = tried(deployer, 422, text="The skirt", threshold=threshold)
    assert "be a threshold" in page.said("#f-text-error")


def test_an_unsure_answer_asks_for_a_person(deployer: TestClient) -> None:
    unsure = tried(deployer, text="something else", threshold="0.99")
    assert "below the threshold of .99. A person should read this review." in unsure.said(".notice")
    assert "threshold .99" in unsure.said("svg.chart")
    assert not tried(deployer, text="something else", threshold="0").all(".result .notice")


def test_what_was_tried_is_there_for_its_session_alone(
    deployer: TestClient, browser_as: Callable[..., TestClient]
) -> None:
    tried(deployer, text="The skirt is torn and itchy")
    page = tried(deployer, text="lovely gorgeous perfect")
    links = page.all("td.clip a")
    assert [link.text for link in links] == ["lovely gorgeous perfect", "The skirt is torn and itchy"]
    again = shown(deployer, links[1]["href"])
    assert again.said("textarea") == "The skirt is torn and itchy"
    assert "torn" not in browser_as("viewer", "vera").get("/predict/shop").text


def test_the_call_for_programs_is_the_one_just_made(deployer: TestClient) -> None:
    page = tried(deployer, text="It's torn", threshold="0.8")
    calls = page.one("#api").all("pre")
    assert '"inputs": ["It' in calls[0].text
    assert '"threshold": 0.8' in calls[0].text
    assert calls[2].text == """fittingroom predict shop 'It'"'"'s torn'"""
