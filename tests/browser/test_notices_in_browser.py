"""What an open page does by itself: its bell follows what the person is told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.accounts.queries import user_by_name
from app.core.settings import Settings
from app.handlers import open_services
from app.notices.service import tell
from app.notices.tables import Kind
from tests.browser.conftest import Site, site_of

pytestmark = pytest.mark.browser

LOOK = "document.dispatchEvent(new Event('visibilitychange'))"  # what coming back to a tab does


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    with site_of(home) as site:
        yield site


def _tell(home: Path, url: str) -> None:
    services = open_services(Settings(home=home, database_url=None, redis_url=None))
    with services.works.writing() as work:
        anna = user_by_name(work.session, "anna")
        assert anna is not None
        told = {"title": "Run #1 failed", "text": "No text column."}
        tell(work, [anna.id], Kind.RUN_FAILED, subject_id="run_1", url=url, **told)
    services.close()


def test_the_bell_follows_while_a_page_is_open(visit: Callable[..., Page], home: Path) -> None:
    page = visit("/settings")
    expect(page.locator(".bell .n")).to_have_count(0)
    _tell(home, "/help")
    page.evaluate(LOOK)
    expect(page.locator(".bell .n")).to_have_text("1")
    expect(page.get_by_role("link", name="Notices, 1 unread")).to_be_visible()
    page.goto("/help")
    expect(page.locator(".bell .n")).to_have_count(0)


def test_the_browser_shows_what_is_new_once_and_only_where_that_was_switched_on(
    visit: Callable[..., Page], home: Path
) -> None:
    page = visit("/settings/notices")
    page.context.grant_permissions(["notifications"])
    page.add_init_script(
        "window.Notification = class { static permission = 'granted';"
        "static requestPermission() { return Promise.resolve('granted'); }"
        "constructor(title) { document.body.dataset.shown = (document.body.dataset.shown || '') + title; } };"
    )
    page.reload()
    page.evaluate(LOOK)
    expect(page.locator(".bell")).to_have_attribute("aria-label", "Notices")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("It is on in this browser")).to_be_visible()
    with page.expect_response("**/notices/unread") as first:
        page.evaluate(LOOK)
    first.value.finished()
    _tell(home, "/runs")
    page.evaluate(LOOK)
    expect(page.locator("body")).to_have_attribute("data-shown", "Run #1 failed")
    with page.expect_response("**/notices/unread") as again:
        page.evaluate(LOOK)
    again.value.finished()
    expect(page.get_by_role("link", name="Notices, 1 unread")).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-shown", "Run #1 failed")
