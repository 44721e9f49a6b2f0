"""Behind a proxy with TLS: what the guide's nginx sends is understood, and only from whom it may come."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from app.accounts.service import issue_setup_link
from app.accounts.tables import WebSession
from app.core.services import Services
from app.core.settings import Settings
from tests.flows.product import wait_for
from tests.programs.redis_server import free_port

pytestmark = pytest.mark.flow

ROOT = Path(__file__).parents[2]
PUBLIC = "https://reviews.example.com"
READER = "203.0.113.9"
PASSWORD = "an honest long sentence"


def proxied_headers() -> dict[str, str]:
    """As nginx would send them by the guide's lines, for a reader who claims to be somebody else."""
    guide = (ROOT / "docs" / "deployment.md").read_text()
    variables = {
        "$host": "reviews.example.com",
        "$proxy_add_x_forwarded_for": f"10.9.9.9, {READER}",
        "$scheme": "https",
    }
    lines = re.findall(r"proxy_set_header (\S+) (\$\w+);", guide)
    return {name: variables[value] for name, value in lines}


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., httpx.Client]]:
    """The web process as the image starts it."""
    processes: list[subprocess.Popen[bytes]] = []
    clients: list[httpx.Client] = []

    def start(**environment: str) -> httpx.Client:
        port = free_port()
        variables = {
            **os.environ,
            "FITTINGROOM_HOME": str(settings.home),
            "FITTINGROOM_PUBLIC_URL": PUBLIC,
            "PORT": str(port),
            **environment,
        }
        command = [sys.executable, "-m", "app.serve", "web"]
        processes.append(subprocess.Popen(command, cwd=ROOT, env=variables))
        probe = [sys.executable, "-m", "app.probe"]
        asking = {"cwd": ROOT, "env": variables, "capture_output": True}
        wait_for(lambda: subprocess.run(probe, **asking).returncode == 0, "the web process answered")
        address = f"http://127.0.0.1:{port}"
        clients.append(httpx.Client(base_url=address, headers=proxied_headers(), timeout=60))
        return clients[-1]

    yield start
    for client in clients:
        client.close()
    for process in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, "an ordered end is no crash"


@pytest.mark.parametrize(
    ("trusted", "address"), [("127.0.0.1", READER), ("", "127.0.0.1")], ids=["trusted", "a stranger"]
)
def test_the_reader_the_scheme_and_the_name_come_through(
    serve: Callable[..., httpx.Client], services: Services, trusted: str, address: str
) -> None:
    client = serve(FORWARDED_ALLOW_IPS=trusted)
    with services.works.writing() as work:
        secret = issue_setup_link(work)
    form = {"token": secret, "name": "ada", "password": PASSWORD, "again": PASSWORD}
    signed_in = client.post("/setup", data=form, headers={"Origin": PUBLIC})
    assert signed_in.status_code == 303, signed_in.text
    cookie = signed_in.headers["set-cookie"]
    assert cookie.startswith("__Host-fittingroom=")
    assert "Secure" in cookie
    assert "max-age=" in signed_in.headers["strict-transport-security"]
    with services.works.reading() as work:
        assert work.session.scalars(select(WebSession.address)).all() == [address]

    # httpx keeps a Secure cookie to itself on plain http, which is what the proxy speaks to us.
    client.headers["Cookie"] = cookie.partition(";")[0]
    invited = client.post(
        "/api/v1/users", json={"name": "bert", "role": "viewer"}, headers={"Origin": PUBLIC}
    )
    assert invited.json()["setup_link"].startswith(f"{PUBLIC}/setup?token=")
    foreign = client.post(
        "/api/v1/users", json={"name": "eve", "role": "admin"}, headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 400
