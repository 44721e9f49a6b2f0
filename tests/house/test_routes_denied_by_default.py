"""Every route names who may use it; what is public stands on this reviewed list."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from app.core.security import Role
from tests.conftest import BASE_URL
from tests.house.routes import Known, all_routes

# Before adding a line, ask what a stranger learns and what a stranger can do.
PUBLIC = {
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
    ("GET", "/setup"),
    ("POST", "/setup"),
    ("GET", "/help"),
    ("GET", "/help/shortcuts"),
    ("POST", "/settings/theme"),
    ("POST", "/api/v1/workers/join"),  # checks a one-time token, and says nothing without it
}
MOUNTS = {"/static"}
PAGE = {"Accept": "text/html"}


def test_every_route_names_a_permission_or_is_reviewed_as_public(app: FastAPI) -> None:
    routes = list(all_routes(app))
    assert len(routes) > 40
    assert {route.path for route in routes if route.method == "MOUNT"} == MOUNTS
    ordinary = [route for route in routes if route.method != "MOUNT"]
    assert [route for route in ordinary if route.permission is None] == []
    public = {(r.method, r.path) for r in ordinary if r.permission and r.permission.role is None}
    assert public == PUBLIC


def test_a_route_without_a_permission_is_refused_even_to_an_administrator(
    app: FastAPI, as_role: Callable[..., TestClient]
) -> None:
    router = APIRouter()
    router.get("/api/v1/forgotten")(lambda: "never")
    app.include_router(router)
    assert as_role("admin").get("/api/v1/forgotten").status_code == 403


def test_a_stranger_gets_nowhere(app: FastAPI, client: TestClient) -> None:
    for route in _protected(app):
        answer = _ask(client, route)
        refused = answer.status_code == 401 or answer.headers.get("location", "").startswith("/login")
        assert refused, (route, answer.status_code, answer.text[:200])


@pytest.mark.parametrize("role", list(Role))
def test_each_role_passes_exactly_where_it_may(
    app: FastAPI, as_role: Callable[..., TestClient], role: Role
) -> None:
    """Past the check, a request for something missing is answered as such and never with a 500."""
    client = as_role(role)
    for route in _protected(app):
        assert route.permission is not None
        assert route.permission.role is not None
        answer = _ask(client, route)
        allowed = role.includes(route.permission.role)
        assert (answer.status_code != 403) == allowed, (route, answer.status_code, answer.text[:300])
        assert answer.status_code < 500 or answer.status_code == 503, (route, answer.text[:300])


def test_an_unknown_address_tells_a_stranger_nothing_about_known_ones(app: FastAPI) -> None:
    with TestClient(app, base_url=BASE_URL) as client:
        assert client.get("/api/v1/no-such-thing").status_code == 404
        assert client.get("/docs").status_code == 404
        assert client.get("/openapi.json").status_code == 404


def _protected(app: FastAPI) -> list[Known]:
    skipped = ("/datasets/sample",)  # would import the whole sample
    routes = [route for route in all_routes(app) if route.permission and route.permission.role]
    return [route for route in routes if route.path not in skipped]


def _ask(client: TestClient, route: Known) -> Response:
    headers = {} if route.path.startswith("/api/") else PAGE
    return client.request(route.method, route.address(), headers=headers)
