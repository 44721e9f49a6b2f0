"""The same rules where nothing has happened yet, and where something has gone wrong."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import axe
from tests.browser.conftest import NARROW, WIDE, Site, create_admin, serving, site_of
from tests.browser.pages import EMPTY, ERRORS
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
WIDTHS = pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    """A site of this module alone: it is empty and stays so."""
    with site_of(home) as site:
        yield site


@WIDTHS
def test_pages_of_an_empty_house(visit: Visit, narrow: bool) -> None:
    assert axe.of_addresses(visit("/", narrow=narrow), EMPTY) == []


@WIDTHS
@pytest.mark.parametrize(("path", "status"), ERRORS)
def test_what_is_not_there_or_not_allowed(visit: Visit, path: str, status: str, narrow: bool) -> None:
    page = visit(path, narrow=narrow)
    assert status in page.inner_text("main")
    assert axe.both_themes(page) == []


@WIDTHS
def test_a_wrong_password(visit: Visit, narrow: bool) -> None:
    page = visit("/login", name=None, narrow=narrow)
    page.fill("[name=name]", "anna")
    page.fill("[name=password]", "not the one")
    page.click("button[type=submit]")
    assert page.locator("[role=alert]").count() == 1
    assert axe.both_themes(page) == []


@WIDTHS
def test_a_file_that_cannot_be_used(visit: Visit, tmp_path: Path, narrow: bool) -> None:
    (tmp_path / "numbers.csv").write_text("Review Text,Rating\n")
    page = visit("/datasets/new", narrow=narrow)
    page.fill("[name=name]", "numbers")
    page.set_input_files("input[type=file]", tmp_path / "numbers.csv")
    page.get_by_role("button", name="Upload file").click()
    expect(page.locator("[role=alert]:not(:empty)")).to_be_visible()
    assert axe.both_themes(page) == []


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, migrated_home: Path) -> Iterator[Site]:
    """Its database has lost a table. Nobody asks whether such a site has complained: it has."""
    home = tmp_path_factory.mktemp("broken") / "home"
    shutil.copytree(migrated_home, home)
    create_admin(home)
    with sqlite3.connect(home / "main.db") as database:
        database.execute("ALTER TABLE dataset RENAME TO mislaid")
    with serving(home) as url:
        yield Site(url)


@WIDTHS
def test_a_mistake_of_ours(chromium: Browser, broken: Site, narrow: bool) -> None:
    width, height = NARROW if narrow else WIDE
    page = chromium.new_page(base_url=broken.url, viewport={"width": width, "height": height})
    page.goto("/login")
    page.fill("[name=name]", "anna")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    answer = page.goto("/datasets")
    assert answer is not None
    assert answer.status >= 500
    assert "req_" in page.inner_text("main")
    assert axe.both_themes(page) == []
    page.close()
