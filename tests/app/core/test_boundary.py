"""What holds for every request and every answer, whatever route it meets."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from httpx import Response

from app.core.boundary import BODY_LIMIT, HEADERS
from app.core.errors import Conflict
from app.core.logs import configure_logs
from app.core.security import public
from tests.conftest import PASSWORD

Clients = Callable[..., TestClient]
SECRET = "the-secret-in-a-local-variable"


@pytest.fixture
def faulty(app: FastAPI, connect: Clients) -> TestClient:
    """The application with routes that go wrong."""

    @app.get("/broken")
    @app.get("/api/v1/broken")
    @public("test")
    def broken() -> str:
        secret = SECRET
        raise RuntimeError(f"SELECT password FROM user_account; /srv/{secret}")

    @app.get("/api/v1/taken")
    @public("test")
    def taken() -> str:
        raise Conflict("Already rejected by anna.", "Read the comment.", decided_by="anna")

    @app.get("/api/v1/number")
    @public("test")
    def number() -> dict[str, float]:
        return {"value": float("nan")}

    @app.post("/api/v1/echo")
    @public("test")
    async def echo(request: Request) -> int:
        return len(await request.body())

    return connect()


def _assert_guarded(answer: Response) -> None:
    missing = [
        name
        for name, value in HEADERS.items()
        if name != "Cache-Control" and answer.headers.get(name) != value
    ]
    assert missing == [], (answer.url, answer.status_code)
    assert "x-request-id" in answer.headers
    assert "cache-control" in answer.headers
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers


def test_security_headers_stand_on_every_answer(faulty: TestClient, browser_as: Clients) -> None:
    browser = browser_as("admin")
    addresses = [
        "/",
        "/nothing",
        "/api/v1/nothing",
        "/livez",
        "/readyz",
        "/login",
        "/static/app.css",
        "/static/no",
    ]
    for address in [*addresses, "/api/v1/me", "/settings/tokens"]:
        _assert_guarded(browser.get(address, headers={"Origin": "https://evil.example"}))
    _assert_guarded(browser.get("/runs", headers={"HX-Request": "true"}))
    for address in ("/broken", "/api/v1/broken"):
        _assert_guarded(faulty.get(address))
    _assert_guarded(faulty.get("/", headers={"Host": "evil.example"}))
    _assert_guarded(faulty.get("/", headers={"HX-Request": "true"}))


def test_a_mistake_of_ours_shows_no_traceback_but_the_requests_id(
    faulty: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs()  # once more, now that standard error is the one being read
    for address in ("/broken", "/api/v1/broken"):
        answer = faulty.get(address)
        assert answer.status_code == 500
        for told in ("Traceback", "SELECT", "/srv/", "RuntimeError", SECRET, ".py"):
            assert told not in answer.text
        assert answer.headers["x-request-id"] in answer.text
        logged = capsys.readouterr().err
        assert answer.headers["x-request-id"] in logged
        assert "RuntimeError" in logged


def test_a_refusal_is_a_problem_document(faulty: TestClient) -> None:
    answer = faulty.get("/api/v1/taken")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.pop("request_id").startswith("req_")
    assert problem == {
        "type": "about:blank",
        "title": "Somebody was faster",
        "status": 409,
        "detail": "Already rejected by anna.",
        "advice": "Read the comment.",
        "code": "conflict",
        "decided_by": "anna",
    }


def test_a_number_that_json_lacks_becomes_null(faulty: TestClient) -> None:
    answer = faulty.get("/api/v1/number")
    assert answer.status_code == 200
    assert answer.json() == {"value": None}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1.evil"]
)
def test_a_form_of_another_site_is_refused(browser_as: Clients, origin: str) -> None:
    browser = browser_as("admin")
    for address in ("/settings/tokens", "/logout", "/api/v1/tokens"):
        refused = browser.post(address, data={"name": "x"}, headers={"Origin": origin})
        assert refused.status_code == 403, address
    refused = browser.delete("/api/v1/tokens/tok_1", headers={"Origin": origin})
    assert refused.status_code == 403
    assert browser.get("/api/v1/me").status_code == 200, "it was not signed out"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_the_browsers_own_word_on_the_origin_counts(
    browser_as: Clients, client: TestClient, site: str
) -> None:
    browser = browser_as("editor")
    assert browser.post("/logout", headers={"Sec-Fetch-Site": site}).status_code == 403
    form = {"name": "editor", "password": PASSWORD}
    assert client.post("/login", data=form, headers={"Sec-Fetch-Site": site}).status_code == 403
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"}
    assert browser.post("/logout", headers=own).status_code == 303


def test_a_token_needs_no_origin(as_role: Clients) -> None:
    headers = {"Origin": "https://scripts.example"}
    assert as_role("editor").post("/api/v1/tokens", json={"name": "x"}, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil:8000", "", "[::2]:8000"]
)
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/login", headers={"Host": host}).status_code == 400
    assert client.post("/login", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_the_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/login", headers={"Host": host}).status_code == 200


def test_a_body_is_refused_by_what_it_says_and_by_what_it_is(faulty: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield bytes(65536)

    assert faulty.post("/api/v1/echo", content=b"x" * 1000).json() == 1000
    declared = faulty.post("/api/v1/echo", content=b"x" * (BODY_LIMIT + 1))
    streamed = faulty.post("/api/v1/echo", content=endless())
    for refused in (declared, streamed):
        assert refused.status_code == 413
        assert refused.json()["limit"] == BODY_LIMIT


def test_a_form_that_is_too_large_is_413_as_well(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        yield b"name="
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield b"x" * 65536

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/login", content=endless(), headers=headers).status_code == 413


def test_people_get_a_page_and_programs_a_document(browser_as: Clients, client: TestClient) -> None:
    browser = browser_as("viewer")
    page = browser.get("/no/such/page", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert 'aria-label="Main"' in page.text, "the shell is there, so one can go on"
    document = browser.get("/no/such/page", headers={"Accept": "application/json"})
    assert document.json()["code"] == "not_found"
    assert client.get("/runs?status=failed").headers["location"] == "/login?next=/runs%3Fstatus%3Dfailed"
    fragment = client.get("/runs", headers={"HX-Request": "true"})
    assert fragment.headers["hx-redirect"] == "/login"


def test_health_says_what_is_missing_and_nothing_else(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    usable = dict.fromkeys(("database", "migrations", "disk", "storage"), True)
    assert ready.json() == {"status": "degraded", "checks": {**usable, "broker": False}}


def test_files_with_their_hash_in_the_address_are_kept_and_others_are_asked_for(client: TestClient) -> None:
    page = client.get("/login").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in client.get(address).headers["cache-control"]
    assert client.get("/static/app.css").headers["cache-control"] == "no-cache"
    assert client.get("/static/../app/main.py").status_code == 404
    assert client.get("/static/..%2fapp%2fmain.py").status_code == 404


def test_the_description_of_the_api_is_for_signed_in_users(client: TestClient, as_role: Clients) -> None:
    assert client.get("/api/v1/openapi.json").status_code == 401
    paths = as_role("viewer").get("/api/v1/openapi.json").json()["paths"]
    assert "/api/v1/me" in paths
    assert all(path.startswith("/api/v1/") for path in paths)


def test_health_is_told_under_any_name_and_nothing_else_is(client: TestClient) -> None:
    """An orchestrator asks by the address that the container has just got."""
    asked = {"Host": "10.1.2.3:8000"}
    assert client.get("/livez", headers=asked).status_code == 200
    assert client.get("/readyz", headers=asked).status_code in (200, 503)
    for address in ("/", "/login", "/api/v1/me", "/static/app.css", "/livez/", "/metrics"):
        assert client.get(address, headers=asked).status_code == 400, address
