"""Users, roles and tokens over REST and through the settings pages."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import inspect, text

from app.accounts import queries, tokens
from app.core.security import Actor, Role
from app.core.services import Services
from tests.conftest import PASSWORD

pytestmark = pytest.mark.both_databases

Clients = Callable[..., TestClient]


def test_a_token_is_shown_once_and_works_until_it_is_revoked(as_role: Clients, client: TestClient) -> None:
    editor = as_role("editor")
    made = editor.post("/api/v1/tokens", json={"name": "nightly"}).json()
    assert made["token"].startswith("fr_")
    assert made["token"].startswith(made["prefix"])
    assert made["token"] not in editor.get("/api/v1/tokens").text
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert client.get("/api/v1/me", headers=bearer).json()["role"] == "editor"
    assert editor.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    refused = client.get("/api/v1/me", headers=bearer)
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthenticated"
    assert refused.headers["www-authenticate"] == "Bearer"


def test_a_token_never_exceeds_its_owner(as_role: Clients, browser_as: Clients, connect: Clients) -> None:
    admin = as_role("admin")
    user = admin.post("/api/v1/users", json={"name": "ed", "role": "approver", "password": PASSWORD}).json()
    approver = connect()
    approver.post("/login", data={"name": "ed", "password": PASSWORD})
    assert approver.post("/api/v1/tokens", json={"name": "x", "role": "admin"}).status_code == 403
    token = approver.post("/api/v1/tokens", json={"name": "x", "role": "approver"}).json()["token"]
    program = connect()
    program.headers["Authorization"] = f"Bearer {token}"
    assert program.get("/api/v1/me").json()["role"] == "approver"
    assert admin.patch(f"/api/v1/users/{user['id']}", json={"role": "viewer"}).status_code == 200
    assert program.get("/api/v1/me").json()["role"] == "viewer"
    assert approver.get("/api/v1/me").status_code == 401, "a change of role ends the sessions"


def test_disabling_a_user_stops_cookie_and_token(
    as_role: Clients, browser_as: Clients, connect: Clients
) -> None:
    admin, browser = as_role("admin"), browser_as("editor", "erik")
    token = browser.post("/api/v1/tokens", json={"name": "x"}).json()["token"]
    program = connect()
    program.headers["Authorization"] = f"Bearer {token}"
    user_id = browser.get("/api/v1/me").json()["id"]
    assert admin.patch(f"/api/v1/users/{user_id}", json={"disabled": True}).json()["state"] == "disabled"
    assert browser.get("/api/v1/me").status_code == 401
    assert program.get("/api/v1/me").status_code == 401


def test_nobody_sees_or_revokes_anothers_token(as_role: Clients) -> None:
    anna, bert = as_role("editor", "anna"), as_role("editor", "bert")
    token = anna.post("/api/v1/tokens", json={"name": "mine"}).json()
    assert token["id"] not in bert.get("/api/v1/tokens").text
    assert bert.delete(f"/api/v1/tokens/{token['id']}").status_code == 404
    assert as_role("admin").delete(f"/api/v1/tokens/{token['id']}").status_code == 204


def test_fields_that_are_not_asked_for_are_refused(as_role: Clients) -> None:
    editor, admin = as_role("editor"), as_role("admin")
    for extra in ({"user_id": "usr_1"}, {"secret_hash": "0"}, {"owner": "admin"}):
        assert editor.post("/api/v1/tokens", json={"name": "x", **extra}).status_code == 422
    user = {"name": "new", "role": "viewer"}
    for extra in ({"password_hash": "x"}, {"is_service": True}, {"id": "usr_1"}):
        assert admin.post("/api/v1/users", json={**user, **extra}).status_code == 422
    me = editor.get("/api/v1/me").json()["id"]
    assert admin.patch(f"/api/v1/users/{me}", json={"name": "root"}).status_code == 422
    assert editor.patch(f"/api/v1/users/{me}", json={"role": "admin"}).status_code == 403


def test_a_refused_value_is_not_repeated_in_the_answer(as_role: Clients) -> None:
    admin = as_role("admin")
    answer = admin.post("/api/v1/users", json={"name": "x", "role": "viewer", "password": {"a": "s3cr3t!"}})
    assert answer.status_code == 422
    assert "s3cr3t!" not in answer.text
    assert answer.json()["errors"][0]["field"] == "password"


def test_an_invited_user_chooses_a_password_by_the_link(browser_as: Clients, connect: Clients) -> None:
    admin = browser_as("admin")
    page = admin.post("/settings/users", data={"name": "Nina@shop.example", "role": "approver"})
    link = re.search(r"<code>(http[^<]+/setup\?token=[^<]+)</code>", page.text)
    assert link
    token = link[1].split("token=")[1]
    nina = connect()
    assert "nina@shop.example" in nina.get(f"/setup?token={token}").text
    form = {"token": token, "name": "somebody-else", "password": PASSWORD, "again": PASSWORD}
    assert nina.post("/setup", data=form).status_code == 303
    assert nina.get("/api/v1/me").json()["name"] == "nina@shop.example"
    assert nina.get("/api/v1/me").json()["role"] == "approver"
    assert token not in admin.get("/settings/users").text


def test_names_that_could_fool_a_reader_or_a_log_are_refused(as_role: Clients) -> None:
    admin = as_role("admin")
    for name in ("a\r\nb", "a\x1b[31m", "аdmin", "a b", "", ".hidden", "x" * 80):
        assert admin.post("/api/v1/users", json={"name": name, "role": "viewer"}).status_code == 422, name
    assert admin.post("/api/v1/users", json={"name": "anna", "role": "viewer"}).status_code == 201
    assert admin.post("/api/v1/users", json={"name": "ANNA", "role": "viewer"}).status_code == 409


def test_the_last_administrator_stays(browser_as: Clients) -> None:
    admin = browser_as("admin", "anna")
    me = admin.get("/api/v1/me").json()["id"]
    assert admin.patch(f"/api/v1/users/{me}", json={"role": "viewer"}).status_code == 409
    assert admin.patch(f"/api/v1/users/{me}", json={"disabled": True}).status_code == 409
    created = {"name": "ben", "role": "admin", "password": PASSWORD}
    assert admin.post("/api/v1/users", json=created).status_code == 201
    assert admin.patch(f"/api/v1/users/{me}", json={"role": "viewer"}).status_code == 200


def test_who_else_could_approve(services: Services, person: Callable[..., Actor]) -> None:
    anna = person("approver", "anna")
    person("editor", "erik")
    with services.works.reading() as work:
        assert queries.other_approvers(work.session, anna.id) == 0
    with services.works.writing() as work:
        token, _ = tokens.create_service_token(work, "robot", Role.APPROVER)
    with services.works.reading() as work:
        assert queries.other_approvers(work.session, anna.id) == 1
        assert queries.actor_names(work.session, [anna.id, "usr_gone"]) == {anna.id: "anna"}
    with services.works.writing() as work:
        tokens.revoke_token(work, Actor(token.user_id, "robot", Role.APPROVER), token.id)
    with services.works.reading() as work:
        assert queries.other_approvers(work.session, anna.id) == 0


def test_a_dump_of_the_database_signs_nobody_in(
    services: Services, as_role: Clients, browser_as: Clients
) -> None:
    program, browser = as_role("admin"), browser_as("editor", "erik")
    invitation = program.post("/api/v1/users", json={"name": "new", "role": "viewer"}).json()["setup_link"]
    secrets = [
        program.headers["Authorization"].split()[1],
        browser.cookies["fittingroom_8000"],
        invitation.split("token=")[1],
        PASSWORD,
    ]
    with services.databases.main.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        rows = [connection.execute(text(f'SELECT * FROM "{name}"')).all() for name in tables]
    dump = repr(rows)
    assert "argon2id" in dump
    assert [secret for secret in secrets if secret in dump] == []
