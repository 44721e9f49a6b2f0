"""The shell as a person meets it: narrow and wide, light and dark, with the keyboard, without scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/help",
    "/help/shortcuts",
    "/help/design",
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


@pytest.mark.parametrize("path", ["/help", "/help/design", "/settings"])
def test_text_of_twice_the_size_does_not_scroll_sideways_either(visit: Visit, path: str) -> None:
    page = visit(path, narrow=True)
    page.evaluate("document.documentElement.style.fontSize = '32px'")
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


def test_the_slash_goes_to_the_search_and_the_question_mark_shows_the_keys(visit: Visit) -> None:
    page = visit("/help/design")
    page.keyboard.press("/")
    expect(page.locator(".find input")).to_be_focused()
    expect(page.locator(".find input")).to_have_value("")
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Next and previous row")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    assert page.url.endswith("/help/design")


def test_rows_are_walked_by_keys_and_opened_by_enter(visit: Visit) -> None:
    page = visit("/help/design")
    rows = page.locator("[aria-label='Runs, example'] tbody a")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#h-tables")


def test_what_can_not_be_undone_asks_in_a_dialog_that_escape_closes(visit: Visit) -> None:
    page = visit("/help/design")
    page.locator("#ask-cancel > summary").click()
    dialog = page.get_by_role("dialog", name="Cancel run #48?")
    expect(dialog.get_by_role("button", name="Back")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("#ask-cancel > summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.mouse.click(5, 5)  # beside it
    expect(dialog).to_have_count(0)


def test_a_question_with_a_field_begins_at_the_field(visit: Visit) -> None:
    page = visit("/help/design")
    page.locator("#ask-archive > summary").click()
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()


def test_a_question_can_be_answered_without_a_script(visit: Visit) -> None:
    page = visit("/help/design", scripts=False)
    button = page.locator("#ask-cancel").get_by_role("button", name="Cancel run")
    expect(button).to_be_hidden()
    page.locator("#ask-cancel > summary").click()
    expect(button).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_outcome_is_told_once(visit: Visit, scripts: bool) -> None:
    page = visit("/help", scripts=scripts)
    page.context.add_cookies([{"name": "said", "value": "Run%20%2348%20was%20cancelled.", "url": page.url}])
    page.reload()
    toast = page.locator("#toast")
    expect(toast).to_have_text("Run #48 was cancelled.")
    place = toast.evaluate("each => getComputedStyle(each).position")
    assert place == ("fixed" if scripts else "static")
    expect(page.get_by_role("button", name="Dismiss")).to_have_count(1 if scripts else 0)
    if scripts:
        page.get_by_role("button", name="Dismiss").click()
        expect(toast).to_have_count(0)
    page.reload()
    expect(toast).to_have_count(0)


def test_paper_has_the_content_alone_and_says_where_it_is_from(visit: Visit) -> None:
    page = visit("/help/design")
    expect(page.locator(".printed")).to_be_hidden()
    page.emulate_media(media="print")
    for gone in (".side", ".bar", ".actions >> nth=0", "form >> nth=0"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".printed")).to_contain_text("/help/design")
    expect(page.locator("figure").first).to_be_visible()


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
    expect(page.locator(".once code").first).to_contain_text("fr_")
    expect(page.locator("td.lead")).to_have_text("<script>alert(1)</script>")
    page.click("summary:has-text('Revoke')")
    page.click("text=Revoke token")
    expect(page.locator(".empty")).to_contain_text("No tokens")


def test_signing_out_from_the_navigation(visit: Visit) -> None:
    page = visit("/")
    page.click("[aria-label='Sign out']")
    page.wait_for_url("**/login")
    page.goto("/runs")
    page.wait_for_url("**/login?next=/runs")
