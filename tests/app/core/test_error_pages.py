"""A refusal as people read it: in plain words, in the shell, with the id and the way on."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.core import errors
from app.core.security import public
from tests.conftest import BASE_URL
from tests.reading import Page

PAGE = {"Accept": "text/html"}
Clients = Callable[..., TestClient]
REFUSALS: list[tuple[type[errors.FittingRoomError], int]] = [
    (errors.Invalid, 422),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.TooMany, 429),
    (errors.Unavailable, 503),
    (errors.DiskFull, 507),
]


@pytest.fixture
def refusing(app: FastAPI) -> Callable[..., None]:
    """``refusing(error)``: the address /refusal gives it, to GET and to POST."""

    def refuse_with(error: Exception) -> None:
        @public("a test's own address")
        def refusal() -> None:
            raise error

        app.add_api_route("/refusal", refusal, methods=["GET", "POST"])

    return refuse_with


@pytest.mark.parametrize(("kind", "status"), REFUSALS)
def test_a_refusal_says_what_is_the_case_what_to_do_and_its_id(
    kind: type[errors.FittingRoomError], status: int, refusing: Any, browser_as: Clients
) -> None:
    refusing(kind("Version 5 is not here any more.", "Look at the newest one."))
    answer = browser_as("editor").get("/refusal", headers=PAGE)
    page = Page(answer.text)
    assert answer.status_code == status
    assert page.said("h1") == kind.title
    assert "Version 5 is not here any more." in page.said("main")
    assert "Look at the newest one." in page.said("main")
    assert page.one("main .id")["data-copy"] == answer.headers["x-request-id"]
    assert page.one(".nav")


def test_a_mistake_of_the_server_shows_the_id_and_nothing_of_the_mistake(
    refusing: Any, browser_as: Clients, app: FastAPI
) -> None:
    refusing(RuntimeError("the password is 1234"))
    browser = browser_as("editor")
    quiet = TestClient(app, base_url=BASE_URL, raise_server_exceptions=False, cookies=browser.cookies)
    answer = quiet.get("/refusal?page=2", headers=PAGE)
    page = Page(answer.text)
    assert answer.status_code == 500
    assert "1234" not in answer.text
    assert page.one("main .id")["data-copy"] == answer.headers["x-request-id"]
    assert page.one("main .primary")["href"] == "/refusal?page=2"
    assert page.one(".nav")


def test_after_a_form_the_way_leads_back_to_its_page(refusing: Any, browser_as: Clients) -> None:
    refusing(errors.Conflict("Version 3 was rejected by Ann at 10:02."))
    from_here = {**PAGE, "Origin": BASE_URL, "Referer": f"{BASE_URL}/approvals/mv_3?q=1"}
    page = Page(browser_as("approver").post("/refusal", headers=from_here).text)
    assert page.one("main .primary")["href"] == "/approvals/mv_3?q=1"
    assert "Nothing was changed." in page.said("main")


def test_the_way_back_never_leads_to_another_site(refusing: Any, browser_as: Clients) -> None:
    refusing(errors.Conflict("Version 3 was rejected by Ann at 10:02."))
    from_there = {**PAGE, "Origin": BASE_URL, "Referer": "https://elsewhere.example/approvals"}
    answer = browser_as("approver").post("/refusal", headers=from_there)
    assert "elsewhere" not in answer.text


def test_who_may_not_is_told_who_they_are(browser_as: Clients) -> None:
    page = Page(browser_as("viewer", "vera").get("/settings/users", headers=PAGE).text)
    assert "You are vera, viewer." in page.said("main")


def test_an_unknown_address_offers_the_search(browser_as: Clients) -> None:
    page = Page(browser_as("viewer").get("/nope", headers=PAGE).text)
    assert page.one("main form[role=search]")["action"] == "/search"
