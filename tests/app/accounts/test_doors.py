"""Signing in, signing out and the one-time link, as a browser does them."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.accounts import service, sessions
from app.core.security import Actor
from app.core.services import Services
from tests.conftest import PASSWORD

Clients = Callable[..., TestClient]
COOKIE = "fittingroom_8000"


def _sign_in(client: TestClient, name: str, password: str = PASSWORD, next: str = "/") -> int:
    return client.post("/login", data={"name": name, "password": password, "next": next}).status_code


def test_the_one_time_link_makes_the_first_administrator_once(client: TestClient, services: Services) -> None:
    with services.works.writing() as work:
        secret = service.issue_setup_link(work)
    assert secret is not None
    assert "Create the administrator" in client.get(f"/setup?token={secret}").text
    form = {"token": secret, "name": "Anna", "password": PASSWORD, "again": PASSWORD}
    assert client.post("/setup", data=form).headers["location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get("/api/v1/me").json()["name"] == "anna"
    assert client.post("/setup", data={**form, "name": "eve"}).status_code == 403
    with services.works.writing() as work:
        assert service.issue_setup_link(work) is None


def test_there_is_no_account_before_that_and_a_newer_link_replaces_the_older(
    client: TestClient, services: Services
) -> None:
    for name, password in (("admin", "admin"), ("admin", "password"), ("root", ""), ("", "")):
        assert _sign_in(client, name, password) == 401
    with services.works.writing() as work:
        older = service.issue_setup_link(work)
    with services.works.writing() as work:
        newer = service.issue_setup_link(work)
    assert client.get(f"/setup?token={older}").status_code == 403
    assert client.get(f"/setup?token={newer}").status_code == 200
    assert client.get("/setup?token=guessed").status_code == 403


@pytest.mark.parametrize("password", ["short", "password123", "aaaaaaaaaaaa", "fittingroom123", "Anna2026!!"])
def test_a_weak_password_is_refused_and_the_link_still_works(
    client: TestClient, services: Services, password: str
) -> None:
    with services.works.writing() as work:
        secret = service.issue_setup_link(work)
    form = {"token": secret, "name": "anna", "password": password, "again": password}
    refused = client.post("/setup", data=form)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert "anna" in refused.text
    assert password not in refused.text
    assert client.get(f"/setup?token={secret}").status_code == 200


def test_a_long_password_counts_to_its_last_character(client: TestClient, services: Services) -> None:
    long = "correct horse " * 9
    with services.works.writing() as work:
        secret = service.issue_setup_link(work)
    client.post("/setup", data={"token": secret, "name": "anna", "password": long, "again": long})
    client.cookies.clear()
    assert _sign_in(client, "anna", long[:-1] + "x") == 401
    assert _sign_in(client, "anna", long) == 303


def test_the_cookie_is_new_at_each_sign_in_and_closed_to_scripts(
    client: TestClient, person: Callable[..., Actor]
) -> None:
    person("viewer", "vera")
    client.cookies.set(COOKIE, "chosen-by-an-attacker")
    answer = client.post("/login", data={"name": "vera", "password": PASSWORD})
    header = answer.headers["set-cookie"]
    assert "HttpOnly" in header
    assert "SameSite=lax" in header
    first = answer.cookies[COOKIE]
    assert first != "chosen-by-an-attacker"
    client.cookies.clear()
    second = client.post("/login", data={"name": "vera", "password": PASSWORD}).cookies[COOKIE]
    assert second != first


def test_over_https_the_cookie_is_bound_to_the_host(client: TestClient, person: Callable[..., Actor]) -> None:
    person("viewer", "vera")
    form = {"name": "vera", "password": PASSWORD}
    header = client.post("https://127.0.0.1:8000/login", data=form).headers["set-cookie"]
    assert header.startswith("__Host-fittingroom=")
    assert "Secure" in header
    assert "Path=/" in header
    assert "Domain" not in header


def test_signing_out_kills_the_cookie_itself(browser_as: Clients, connect: Callable[[], TestClient]) -> None:
    browser = browser_as("editor")
    thief = connect()
    thief.cookies.set(COOKIE, browser.cookies[COOKIE])
    assert thief.get("/api/v1/me").status_code == 200
    assert browser.post("/logout").headers["location"] == "/login"
    assert thief.get("/api/v1/me").status_code == 401


def test_a_new_password_ends_the_other_sessions_only(browser_as: Clients, connect: Clients) -> None:
    browser = browser_as("editor", "erik")
    other = connect()
    _sign_in(other, "erik")
    fresh = "another honest sentence"
    form = {"current": PASSWORD, "new": fresh, "again": fresh}
    assert browser.post("/settings/password", data={**form, "current": "wrong"}).status_code == 422
    assert browser.post("/settings/password", data=form).status_code == 303
    assert browser.get("/api/v1/me").status_code == 200
    assert other.get("/api/v1/me").status_code == 401
    assert _sign_in(other, "erik") == 401
    assert _sign_in(other, "erik", fresh) == 303


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"]
)
def test_after_signing_in_one_stays_on_this_site(
    client: TestClient, person: Callable[..., Actor], target: str
) -> None:
    person("viewer", "vera")
    form = {"name": "vera", "password": PASSWORD, "next": target}
    assert client.post("/login", data=form).headers["location"] == "/"
    client.get("/login", params={"next": target})
    assert client.get("/login", params={"next": target}).headers["location"] == "/"
    assert client.get("/login", params={"next": "/runs?status=failed"}).headers["location"] == (
        "/runs?status=failed"
    )


def test_guessing_is_stopped_whatever_address_a_header_claims(
    client: TestClient, person: Callable[..., Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    person("viewer", "vera")
    for guess in range(sessions.FAILURES_PER_ACCOUNT):
        client.headers["X-Forwarded-For"] = f"203.0.113.{guess}"
        assert _sign_in(client, "vera", f"guess number {guess}") == 401
    refused = client.post(
        "/login", data={"name": "vera", "password": PASSWORD}, headers={"Accept": "text/html"}
    )
    assert refused.status_code == 429
    assert "quarter of an hour" in refused.text


def test_guessing_many_names_from_one_address_is_stopped_too(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FAILURES_PER_ADDRESS", 5)
    answers = [_sign_in(client, f"user{number}", "a wrong sentence") for number in range(7)]
    assert answers == [401] * 5 + [429] * 2
