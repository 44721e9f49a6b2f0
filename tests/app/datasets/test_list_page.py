"""The list of data sets: filters and order stand in the address, files hold what the page shows."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.datasets import listing
from tests.app.datasets.importing import REVIEWS, push, push_ready
from tests.reading import Page

pytestmark = pytest.mark.both_databases

Browser = Callable[..., TestClient]


def names(page: str) -> list[str]:
    return [link.text for link in Page(page).all("td.lead a")]


def test_search_order_and_files(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor", "erik")
    push_ready(browser, services, REVIEWS, "dresses")
    push_ready(browser, services, REVIEWS + b"one more,5,x\n", "skirts")
    push(browser, name="trousers", file="autumn_100%.csv")
    assert names(browser.get("/datasets").text) == ["trousers", "skirts", "dresses"]
    assert names(browser.get("/datasets?sort=name").text) == ["dresses", "skirts", "trousers"]
    assert names(browser.get("/datasets?sort=rows").text) == ["skirts", "dresses", "trousers"]
    assert names(browser.get("/datasets?sort=nonsense").text) == ["trousers", "skirts", "dresses"]
    assert names(browser.get("/datasets?q=SKIR").text) == ["skirts"]
    assert names(browser.get(f"/datasets?q={quote('100%')}").text) == ["trousers"]
    assert "No data set matches" in browser.get("/datasets?q=velvet").text
    listed = browser.get("/datasets.json?sort=rows&q=s").json()
    assert [each["rows"] for each in listed["items"]] == [41, 40, None]
    assert listed["items"][0]["created_by"] == "erik"
    assert browser.get("/datasets.csv?q=skirts").text.splitlines()[1].split(",")[1:6] == [
        "skirts",
        "1",
        "ready",
        "41",
        "0",
    ]


def test_tags_and_archived_ones_narrow_it(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    dresses = push_ready(browser, services, name="dresses")["dataset_id"]
    push_ready(browser, services, name="skirts")
    browser.post(f"/keeping/{dresses}/tags", data={"tags": "spring"})
    page = browser.get("/datasets").text
    assert 'href="/datasets?tag=spring"' in page
    assert names(browser.get("/datasets?tag=spring").text) == ["dresses"]
    assert browser.get("/datasets.json").json()["items"][1]["tags"] == ["spring"]
    browser.post(f"/keeping/{dresses}/archival")
    assert names(browser.get("/datasets").text) == ["skirts"]
    assert names(browser.get("/datasets?archived=1").text) == ["dresses"]


def test_it_asks_again_while_something_is_imported(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    push_ready(browser, services)
    assert "hx-get" not in browser.get("/datasets").text
    push(browser, name="skirts")
    assert Page(browser.get("/datasets").text).one("#list")["hx-get"].startswith("/datasets?")
    block = browser.get("/datasets", headers={"HX-Request": "true"}).text
    assert "<html" not in block
    assert names(block) == ["skirts", "dresses"]


def test_pages_go_on(browser_as: Browser, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = browser_as("editor")
    for name in ("a1", "b2", "c3"):
        push(browser, name=name)
    monkeypatch.setattr(listing, "PER_PAGE", 2)
    first = Page(browser.get("/datasets?sort=name").text)
    following = next(link["href"] for link in first.all(".pages a") if link.text == "Next")
    assert names(browser.get(f"/datasets{following}").text) == ["c3"]
    assert len(browser.get("/datasets.json").json()["items"]) == 3
