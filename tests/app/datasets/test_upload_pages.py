"""From a file to its mapping: what is suggested, what is doubted, what is kept when something is wrong."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.datasets.forms import dataset_name, suggested_name
from tests.app.datasets.importing import REVIEWS, push_ready
from tests.reading import Page

Browser = Callable[..., TestClient]
JSON = {"Accept": "application/json"}
FRAGMENT = {"HX-Request": "true"}


def sent(
    browser: TestClient, content: bytes = REVIEWS, file: str = "spring reviews.csv", name: str = ""
) -> str:
    answer = browser.post("/uploads", data={"name": name}, files={"file": (file, content)}, headers=JSON)
    assert answer.status_code == 201, answer.text
    address: str = answer.json()["url"]
    return address


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("womens_clothing.csv", "womens_clothing"),
        ("Reviews 2026.jsonl.gz", "Reviews 2026"),
        ("(final) été.csv", "final- été"),
        ("new.csv", "new"),
        (".csv", "reviews"),
        ("x" * 200 + ".parquet", "x" * 100),
    ],
)
def test_a_files_name_suggests_one_for_its_data_set(file: str, name: str) -> None:
    assert suggested_name(file) == name
    if name != "new":
        assert dataset_name(name) == name


def test_a_script_is_answered_with_the_way_on_or_with_the_reason(browser_as: Browser) -> None:
    browser = browser_as("editor")
    address = sent(browser)
    assert Page(browser.get(address).text).one("#f-name")["value"] == "spring reviews"
    refused = browser.post("/uploads", files={"file": ("x.csv", b"")}, headers=JSON)
    assert refused.status_code == 422
    assert refused.json()["detail"] == "The file is empty."
    assert refused.json()["advice"]


def test_a_name_that_cannot_be_used_costs_no_upload(browser_as: Browser) -> None:
    browser = browser_as("editor")
    answer = browser.post("/uploads", data={"name": "a/b?"}, files={"file": ("r.csv", REVIEWS)})
    page = Page(browser.get(answer.headers["location"]).text)
    assert page.one("#f-name")["value"] == "a/b?"
    assert "can't be the name of a data set" in page.said("#becomes")


def test_what_becomes_of_the_name_is_said_before_the_import(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    push_ready(browser, services)
    address = sent(browser).partition("?")[0]
    known = Page(browser.get(f"{address}?name=dresses", headers=FRAGMENT).text)
    assert "becomes its version 2" in known.said("#becomes")
    assert "the new data set “skirts”" in Page(browser.get(f"{address}?name=skirts").text).said("#becomes")


def test_what_was_detected_and_guessed_is_said_with_the_reason(browser_as: Browser) -> None:
    content = b"Kommentar;Sterne;wann\n" + b"".join(
        b"ein sehr sch\xf6nes Kleid Nummer %d;%d;2026-01-%02d\n" % (n, n % 5 + 1, n % 28 + 1)
        for n in range(30)
    )
    browser = browser_as("editor")
    page = Page(browser.get(sent(browser, content)).text)
    assert "separated by semicolons" in page.said(".meta")
    assert "windows-1252" in page.said(".meta").lower() or "cp1252" in page.said(".meta").lower()
    said = page.said("#preview")
    assert "text Kommentar guessed by its values" in said
    assert "6 words on average" in said


def test_the_preview_follows_the_choices(browser_as: Browser) -> None:
    browser = browser_as("editor")
    mixed = b"text,rating,title,verdict\n" + b"".join(
        b"%s,%s,title %d,%s\n"
        % (b"" if n == 3 else b"a dress", b"five" if n == 4 else b"5", n, b"yes" if n % 2 else b"no")
        for n in range(20)
    )
    address = sent(browser, mixed).partition("?")[0]

    def preview(**chosen: str) -> str:
        query = {"name": "x", "text": "text", "rating": "rating", "label": "", **chosen}
        answer = browser.get(address, params=query, headers=FRAGMENT)
        assert "<html" not in answer.text
        return Page(answer.text).said("#preview")

    by_rating = preview()
    assert "18 of 20 rows would be kept: 0 negative, 0 neutral, 18 positive" in by_rating
    assert "1 × no text, 1 × the rating is not a whole number from 1 to 5" in by_rating
    assert "2 of 20 rows looked at would be rejected" in by_rating
    assert "All rows looked at have one and the same label" in by_rating
    by_label = preview(rating="", label="verdict")
    assert "19 of 20 rows would be kept: 10 no, 9 yes" in by_label
    assert "your choice" in by_label
    assert "The column “text” is used twice: for text and title" in preview(title="text")
    assert "Doubtful 0 of 20 are whole stars" in preview(rating="verdict")
    assert "Choose a column for the text" in preview(text="")


def test_an_upload_waits_until_it_is_imported_or_discarded(browser_as: Browser) -> None:
    browser = browser_as("editor")
    first, second = (sent(browser, file=name).partition("?")[0] for name in ("one.csv", "two.csv"))
    for place in ("/datasets", "/datasets/new"):
        waiting = Page(browser.get(place).text)
        assert [link["href"] for link in waiting.all(".inbox a")] == [second, first]
    assert "Waiting for their columns" not in browser_as("viewer").get("/datasets").text
    assert browser.post(f"{first}/discard").headers["location"] == "/datasets"
    told = browser.get("/datasets").text
    assert "The upload one.csv was discarded." in told
    assert browser.get(first).status_code == 404
    browser.post(f"{second}/import", data={"name": "two"})
    assert "Waiting for their columns" not in browser.get("/datasets").text
    assert browser.post(f"{second}/discard").status_code == 409
    assert "was imported as two v1 already" in browser.get(second).text
