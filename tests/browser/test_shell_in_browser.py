"""The shell as a person meets it: narrow and wide, light and dark, with the keyboard, without scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/help",
    "/settings",
    "/settings/tokens",
    "/settings/users",
    "/audit",
    "/audit/verification",
    "/nope",
]
Visit = Callable[..., Page]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_on_a_phone(visit: Visit, path: str) -> None:
    page = visit(path, narrow=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", ["/login", "/help"])
def test_neither_do_the_doors(visit: Visit, path: str) -> None:
    page = visit(path, name=None, narrow=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_icons_are_drawn_from_the_shared_file(visit: Visit) -> None:
    """The policy allows them, and the fragment exists: an icon without a shape has no size."""
    page = visit("/settings/users")
    boxes = page.evaluate("[...document.querySelectorAll('svg.i use')].map(u => u.getBBox().width)")
    assert boxes
    assert min(boxes) > 0


def test_the_keyboard_goes_places_and_skips_the_navigation(visit: Visit) -> None:
    page = visit("/help")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/datasets")


def test_keys_are_left_alone_in_fields_and_can_be_switched_off(visit: Visit) -> None:
    page = visit("/settings/tokens")
    page.focus("[name=name]")
    page.keyboard.type("grd")
    assert page.url.endswith("/settings/tokens")
    page.goto("/settings")
    page.click("text=Switch off")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_timeout(300)
    assert page.url.endswith("/settings")


def test_the_theme_is_chosen_without_a_script(visit: Visit) -> None:
    page = visit("/settings", scripts=False)
    page.select_option("#theme", "dark")
    page.get_by_role("button", name="Use", exact=True).click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(15, 19, 24)"


def test_a_token_is_made_and_revoked_without_a_script(visit: Visit) -> None:
    page = visit("/settings/tokens", scripts=False)
    page.fill("[name=name]", "<script>alert(1)</script>")
    page.click("text=Create token")
    expect(page.locator(".once code")).to_contain_text("fr_")
    expect(page.locator("td.lead")).to_have_text("<script>alert(1)</script>")
    page.click("text=Revoke")
    expect(page.locator(".empty")).to_contain_text("No tokens")


def test_signing_out_from_the_navigation(visit: Visit) -> None:
    page = visit("/")
    page.click("[aria-label='Sign out']")
    page.wait_for_url("**/login")
    page.goto("/runs")
    page.wait_for_url("**/login?next=/runs")
