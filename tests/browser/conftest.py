"""A real Chromium in front of a real server process."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import PASSWORD
from tests.programs.full_house import House, furnish

ROOT = Path(__file__).parents[2]
CANDIDATES = ("chromium", "chromium-browser", "google-chrome")
# Without these Chromium speaks to its maker's servers, or waits for a GPU that is not there.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 60
PATIENCE_SECONDS = 30  # five, the default, were too few on a machine with other work
NARROW, WIDE = (390, 844), (1280, 900)


@dataclass
class Site:
    """A running installation, and what its pages did that they should not."""

    url: str
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module only: while it is open, its event loop runs and no other test can run one."""
    path = next((found for name in CANDIDATES if (found := shutil.which(name))), None)
    if path is None and os.environ.get("CI"):
        pytest.fail("no Chromium, and in CI nothing is left out")
    if path is None:
        pytest.skip("LEFT OUT: no Chromium; apt-get install chromium")
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The web process alone, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FITTINGROOM_HOME": str(home), "PORT": str(port)}
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create", "--port", str(port)]
    with (home / "web.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url + "/livez").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server at {url} did not start")


@contextmanager
def site_of(home: Path) -> Iterator[Site]:
    """The site of a home, whose pages must not have complained by the end."""
    with serving(home) as url:
        site = Site(url)
        yield site
        assert site.complaints == []


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site") / "home"
    shutil.copytree(migrated_home, home)
    create_admin(home)
    with site_of(home) as site:
        yield site


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Path:
    """For a module that needs an installation of its own: anna, and nothing else yet."""
    home = tmp_path_factory.mktemp("own") / "home"
    shutil.copytree(migrated_home, home)
    create_admin(home)
    return home


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> House:
    """Where everything has happened; nobody may change it."""
    home = tmp_path_factory.mktemp("full") / "home"
    shutil.copytree(migrated_home, home)
    return furnish(home)


@pytest.fixture(scope="session")
def full_site(house: House) -> Iterator[Site]:
    with site_of(house.home) as site:
        yield site


@pytest.fixture(scope="module")
def states(chromium: Browser) -> Callable[[Site, str], Any]:
    """``states(site, "anna")``: the cookies of somebody who has signed in, for any number of contexts."""

    @cache
    def state(url: str, name: str) -> Any:
        context = chromium.new_context(base_url=url)
        page = context.new_page()
        page.goto("/login")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        found = context.storage_state()
        context.close()
        return found

    return lambda site, name: state(site.url, name)


def create_admin(home: Path) -> None:
    from app.accounts import service
    from app.core.settings import Settings
    from app.handlers import open_services

    services = open_services(Settings(home=home, database_url=None, redis_url=None))
    with services.works.writing() as work:
        secret = service.issue_setup_link(work)
        assert secret is not None
    with services.works.writing() as work:
        service.redeem_link(work, secret, "anna", PASSWORD)
    services.close()


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """``visit("/runs", dark=True, narrow=True, scripts=False, name="anna")``: a page in a new context.

    Errors and refusals by the content security policy are collected and fail the session.
    """
    contexts: list[BrowserContext] = []

    def open_page(
        path: str,
        *,
        name: str | None = "anna",
        dark: bool = False,
        narrow: bool = False,
        scripts: bool = True,
    ) -> Page:
        width, height = NARROW if narrow else WIDE
        context = chromium.new_context(
            base_url=site.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: site.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: _note(site, page, message.type, message.text))
        if name is not None:
            page.goto("/login")
            page.fill("[name=name]", name)
            page.fill("[name=password]", PASSWORD)
            page.click("button[type=submit]")
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _note(site: Site, page: Page, kind: str, text: str) -> None:
    # A 4xx answer is logged as an error too, and is what some tests are about.
    if kind == "error" and "the server responded with a status of 4" not in text:
        site.complaints.append(f"{page.url}: {text}")
