"""Help for everybody, also for those who can't sign in; the design page has every figure with its file."""

import csv
import io
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.reading import Page

PAGE = {"Accept": "text/html"}
Clients = Callable[..., TestClient]


@pytest.mark.parametrize("path", ["/help", "/help/shortcuts"])
def test_help_is_there_for_those_who_cannot_sign_in(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=PAGE)
    assert answer.status_code == 200
    assert not Page(answer.text).all("a[href=/help/design]")


def test_the_keys_come_alone_for_the_dialog(client: TestClient) -> None:
    answer = client.get("/help/shortcuts", headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith("<dl")
    assert "<html" not in answer.text


def test_every_word_of_the_product_is_explained(client: TestClient) -> None:
    words = {each.text.lower() for each in Page(client.get("/help", headers=PAGE).text).all("dt")}
    product = "data set, version, pipeline, run, step, attempt, artifact, model, model version, endpoint"
    assert set(f"{product}, deployment, gate, viewer, editor, approver, admin".split(", ")) <= words


def test_the_design_page_has_every_figure_with_its_file(browser_as: Clients) -> None:
    browser = browser_as("viewer")
    page = Page(browser.get("/help/design", headers=PAGE).text)
    files = [each["href"] for each in page.all("a[href$=.csv]")]
    assert len(files) == len(page.all("figure")) > 10
    for address in files:
        answer = browser.get(address)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert len(rows) > 1
        assert len({len(row) for row in rows}) == 1


def test_an_unknown_figure_is_not_found(browser_as: Clients) -> None:
    assert browser_as("viewer").get("/help/design/figures/nothing.csv").status_code == 404


def test_what_asks_first_can_be_done_without_a_script(browser_as: Clients) -> None:
    page = Page(browser_as("viewer").get("/help/design", headers=PAGE).text)
    question = page.one("#ask-archive")
    assert question.tag == "details"
    assert question.one("form")["method"] == "post"
    assert [each["name"] for each in question.all("input")] == ["reason"]
    assert question.one("button[type=submit]").text == "Archive"
