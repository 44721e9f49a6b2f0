"""The settings as a person uses them: sessions, tokens that expire, users, and the audit's filters."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from app.accounts import audit, queries
from app.accounts.devices import device
from app.accounts.tables import Token, User, WebSession
from app.core.security import Actor
from app.core.services import Services
from tests.app.runs.staging import Stage
from tests.conftest import PASSWORD
from tests.reading import Page

Clients = Callable[..., TestClient]
PAGE = {"Accept": "text/html"}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:131.0) Gecko/20100101 Firefox/131.0"


def _sign_in(client: TestClient, name: str, agent: str = FIREFOX) -> None:
    client.headers["User-Agent"] = agent
    assert client.post("/login", data={"name": name, "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (FIREFOX, "Firefox 131 on Windows"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/130.0.0.0 Safari/537.36 Edg/130.0",
            "Edge 130 on Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1",
            "Safari 18 on iPhone",
        ),
        ("curl/8.5.0", "curl 8"),
        ("", "unknown"),
        ("<script>", "<script>"),
    ],
)
def test_a_browser_in_a_few_words(agent: str, shown: str) -> None:
    assert device(agent) == shown


def test_one_session_or_all_others_are_ended(
    person: Callable[..., Actor], connect: Callable[[], TestClient]
) -> None:
    person("editor", "erik")
    here, there, elsewhere = connect(), connect(), connect()
    for client in (here, there, elsewhere):
        _sign_in(client, "erik")
    page = Page(here.get("/settings/sessions").text)
    assert "Firefox 131 on Windows" in page.text
    assert page.text.count("This one") == 1
    ends = [form["action"] for form in page.all("tbody form")]
    assert len(ends) == 2
    here.post(ends[0])
    alive = [client.get("/api/v1/me").status_code for client in (here, there, elsewhere)]
    assert sorted(alive) == [200, 200, 401]
    answer = here.post("/settings/sessions/revocation")
    assert answer.headers["location"] == "/settings/sessions"
    assert "1 other session ended." in here.get("/settings/sessions", headers=PAGE).text
    assert [client.get("/api/v1/me").status_code for client in (here, there, elsewhere)] == [200, 401, 401]
    assert here.get("/settings/sessions.json").json()["total"] == 1


def test_nobody_ends_anothers_session(browser_as: Clients, services: Services) -> None:
    anna, eve = browser_as("editor", "anna"), browser_as("admin", "eve")
    with services.works.reading() as work:
        found = work.session.query(WebSession).order_by(WebSession.id).first()
    assert found is not None
    eve.post(f"/settings/sessions/{found.id}/revocation")
    eve.post("/settings/sessions/revocation")
    assert anna.get("/api/v1/me").status_code == 200
    assert found.id not in eve.get("/settings/sessions.csv").text


def test_a_token_expires(services: Services, browser_as: Clients, connect: Callable[[], TestClient]) -> None:
    browser = browser_as("editor", "erik")
    made = browser.post("/api/v1/tokens", json={"name": "nightly", "days": 30}).json()
    assert made["expires_at"]
    program = connect()
    program.headers["Authorization"] = f"Bearer {made['token']}"
    assert program.get("/api/v1/me").status_code == 200
    with services.works.writing() as work:
        token = work.session.get_one(Token, made["id"])
        token.expires_at = token.created_at - timedelta(seconds=1)
    assert "has expired" in program.get("/api/v1/me").json()["detail"]
    assert "Expired" in browser.get("/settings/tokens").text
    for days in (0, -1, 4000, "soon"):
        assert browser.post("/api/v1/tokens", json={"name": "x", "days": days}).status_code == 422


def test_a_new_token_is_shown_once_with_a_command_that_works(browser_as: Clients) -> None:
    browser = browser_as("editor", "erik")
    form = {"name": "nightly", "role": "viewer", "days": "90"}
    page = Page(browser.post("/settings/tokens", data=form).text)
    secret, command = page.said(".once code"), page.said(".once pre")
    assert f"export FITTINGROOM_TOKEN={secret}" in command
    assert "Authorization: Bearer $FITTINGROOM_TOKEN" in command
    assert secret not in browser.get("/settings/tokens").text
    refused = browser.post("/settings/tokens", data={**form, "role": "admin"})
    assert refused.status_code == 403
    assert 'value="nightly"' in refused.text, "what was typed is kept"


def test_tokens_are_searched_and_revoked_by_name(browser_as: Clients) -> None:
    browser = browser_as("admin", "anna")
    for name in ("nightly import", "notebook"):
        browser.post("/settings/tokens", data={"name": name, "role": "viewer", "days": ""})
    page = Page(browser.get("/settings/tokens?q=NIGHT").text)
    assert [cell.text for cell in page.all("td.lead")] == ["nightly import"]
    assert browser.get("/settings/tokens.json?q=anna").json()["total"] == 2
    revoke = page.one("tbody form")["action"]
    browser.post(revoke)
    assert "The token nightly import was revoked." in browser.get("/settings/tokens", headers=PAGE).text
    assert browser.get("/settings/tokens.csv").text.count("\r\n") == 2


def test_users_are_narrowed_and_say_when_they_were_seen(
    services: Services, browser_as: Clients, person: Callable[..., Actor]
) -> None:
    admin = browser_as("admin", "anna")
    person("editor", "erik")
    admin.post("/settings/users", data={"name": "ines", "role": "viewer"})

    def names(query: str) -> list[str]:
        return [cell.text for cell in Page(admin.get(f"/settings/users{query}").text).all("td.lead strong")]

    assert names("") == ["anna", "erik", "ines"]
    assert names("?q=ER") == ["erik"]
    assert names("?role=viewer") == ["ines"]
    assert names("?state=invited") == ["ines"]
    assert names("?state=disabled") == []
    rows = {row["name"]: row for row in admin.get("/settings/users.json").json()["items"]}
    assert rows["anna"]["seen_at"]
    assert rows["erik"]["seen_at"] is None
    assert "link until" in admin.get("/settings/users").text
    assert admin.get("/settings/users.csv?state=invited").text.count("\r\n") == 2


def test_the_only_administrator_is_told_why_they_stay(
    browser_as: Clients, person: Callable[..., Actor], services: Services
) -> None:
    admin = browser_as("admin", "anna")
    page = Page(admin.get("/settings/users").text)
    assert "Make somebody else an administrator first." in page.text
    me = admin.get("/api/v1/me").json()["id"]
    actions = {form["action"] for form in page.all("form[method=post]")}
    assert f"/settings/users/{me}/role" not in actions
    refused = admin.post(f"/settings/users/{me}/role", data={"role": "viewer"}, headers=PAGE)
    assert refused.status_code == 409
    assert "is the only administrator" in refused.text
    person("admin", "ben")
    page = Page(admin.get("/settings/users").text)
    assert "Make somebody else" not in page.text
    assert f"/settings/users/{me}/role" in {form["action"] for form in page.all("form[method=post]")}
    answer = admin.post(f"/settings/users/{me}/role", data={"role": "editor"})
    assert answer.status_code == 303
    with services.works.reading() as work:
        assert work.session.get_one(User, me).role == "editor"


def test_disabling_and_enabling_are_told_and_asked_first(
    browser_as: Clients, person: Callable[..., Actor]
) -> None:
    admin, erik = browser_as("admin", "anna"), person("editor", "erik")
    page = Page(admin.get("/settings/users").text)
    assert "Disable erik?" in page.text
    admin.post(f"/settings/users/{erik.id}/status", data={"status": "disabled"})
    assert "erik was disabled." in admin.get("/settings/users", headers=PAGE).text
    admin.post(f"/settings/users/{erik.id}/status", data={"status": "active"})
    assert "erik was enabled." in admin.get("/settings/users", headers=PAGE).text


@pytest.mark.parametrize("role", ["viewer", "editor", "approver"])
def test_users_and_audit_are_for_administrators(browser_as: Clients, role: str) -> None:
    browser = browser_as(role)
    for path in ("/settings/users", "/settings/users.csv", "/audit", "/audit.json", "/audit/verification"):
        assert browser.get(path, headers=PAGE).status_code == 403, path
    page = browser.get("/settings", headers=PAGE).text
    assert "/settings/users" not in page


@pytest.fixture
def audited(services: Services, person: Callable[..., Actor], browser_as: Clients) -> TestClient:
    """Some deeds of two people and of the system."""
    admin = browser_as("admin", "anna")
    erik = person("editor", "erik")
    with services.works.writing() as work:
        audit.record(
            work.session, erik.id, "test.done", "thing_1", {"näme": "Müller & Söhne", "sha": "a" * 64}
        )
        audit.record(work.session, "system", "test.voided", "thing_2", {"ok": True, "nothing": None})
    return admin


def _entries(admin: TestClient, **query: str) -> list[str]:
    page = Page(admin.get("/audit", params=query, headers=PAGE).text)
    return [cell.text for cell in page.all("td[data-l=Action]")]


def test_the_audit_is_narrowed_by_who_what_when_and_words(
    audited: TestClient, services: Services, person: Callable[..., Actor]
) -> None:
    with services.works.reading() as work:
        erik = queries.user_by_name(work.session, "erik")
        today = queries.database_time(work.session).date()
    assert erik is not None
    assert _entries(audited, actor=erik.id) == ["test.done"]
    assert _entries(audited, actor="system") == ["test.voided"]
    assert _entries(audited, subject="thing_1") == ["test.done"]
    for words in ("Müller", "Müller SöHNE", "thing_1", "erik", "test.don", "&"):
        assert _entries(audited, q=words) == ["test.done"], words
    assert _entries(audited, q="%") == []
    assert len(_entries(audited, since=str(today), until=str(today))) == 3
    assert _entries(audited, since=str(today + timedelta(days=1))) == []
    assert _entries(audited, until=str(today - timedelta(days=1))) == []
    assert len(_entries(audited, since="yesterday")) == 3, "a day that is none narrows nothing"
    assert audited.get("/audit.json", params={"q": "Müller"}).json()["total"] == 1
    assert audited.get("/api/v1/audit", params={"q": "Müller"}).json()["total"] == 1
    assert audited.get("/api/v1/audit", params={"until": str(today - timedelta(days=1))}).json()["total"] == 0


def test_entries_name_and_link_their_subjects_in_words(
    audited: TestClient, services: Services, person: Callable[..., Actor]
) -> None:
    run = Stage(services, person("editor", "ml-author").id).launch(
        Stage(services, person("editor", "other").id).dataset()
    )
    page = Page(audited.get("/audit", headers=PAGE).text)
    links = {link["href"]: link.text for link in page.all("td[data-l=Subject] a")}
    assert links[f"/runs/{run}"] == "Run #1"
    assert links["/settings/users?q=anna"] == "anna"
    details = " ".join(cell.text for cell in page.all("td[data-l=Details]"))
    assert "sha aaaaaaaaaaaa…" in details
    assert "ok yes" in details
    assert "nothing –" in details
