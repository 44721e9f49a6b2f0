"""Signing in, signing out and the one-time link, as a browser does them."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from app.accounts import service
from app.core.services import Services
from tests.conftest import PASSWORD

Browser = Callable[..., TestClient]


def test_one_time_link_makes_the_first_administrator_once(client: TestClient, services: Services) -> None:
    with services.works.writing() as work:
        secret = service.issue_setup_link(work)
    assert secret is not None
    assert "Create the administrator" in client.get(f"/setup?token={secret}").text
    form = {"token": secret, "name": "Anna", "password": PASSWORD, "again": PASSWORD}
    assert client.post("/setup", data=form).headers["location"] == "/"
    assert client.get("/").status_code == 200
    assert client.post("/setup", data={**form, "name": "eve"}).status_code == 403
    with services.works.writing() as work:
        assert service.issue_setup_link(work) is None
