"""The main job in a real browser by two people, with JavaScript off: the pages alone must do."""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.flows.product import PATIENCE_SECONDS, Product

pytestmark = [pytest.mark.flow, pytest.mark.browser]

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
PASSWORD = "an honest long sentence"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=which("chromium") or which("chromium-browser"),
            args=list(QUIET),
            chromium_sandbox=False,
        )
        yield browser
        browser.close()


def open_page(browser: Browser, url: str) -> Page:
    page = browser.new_context(java_script_enabled=False, base_url=url).new_page()
    page.set_default_timeout(30_000)
    return page


def choose_password(page: Page, link: str, name: str | None) -> None:
    page.goto(link)
    if name:
        page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name=re.compile("sign in")).click()


def reload_until(page: Page, selector: str) -> None:
    """Without scripts a person reloads; the number of reloads is bounded by the patience."""
    for _ in range(PATIENCE_SECONDS):
        if page.locator(selector).count():
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError(f"{selector} never stood on {page.url}:\n{page.inner_text('main')}")


def test_two_people_take_reviews_to_a_served_model_without_javascript(
    product: Product, reviews: Path, small_encoder: Path, browser: Browser
) -> None:
    link = next(part for line in product.lines for part in line.split() if "/setup?token=" in part)
    author, approver = open_page(browser, product.url), open_page(browser, product.url)
    choose_password(author, link, "anna")
    author.goto("/settings/users")
    author.get_by_label("Name").fill("bert")
    author.get_by_label("Role", exact=True).select_option("approver")
    author.get_by_role("button", name="Create user").click()
    choose_password(approver, author.locator(".once code").inner_text(), None)

    author.goto("/datasets/new")
    author.get_by_label("Name").fill("journey")
    author.locator("input[type=file]").set_input_files(reviews)
    author.get_by_role("button", name="Upload file").click()
    expect(author.locator("select[name=text]")).to_have_value("Review Text")
    author.get_by_role("button", name="Import data set").click()
    reload_until(author, "text=1,200")

    author.goto("/launch?dataset=journey&recipe=quick")
    author.get_by_label("encoder").fill(str(small_encoder))
    author.get_by_label("max_seq_length").fill("64")
    author.get_by_label("min_macro_f1_margin").fill("-1")
    author.get_by_role("button", name=re.compile("^Launch")).click()
    expect(author).to_have_url(re.compile(r"/runs/run_"))
    run = author.url
    reload_until(author, ".page-head .pill.ok")
    author.goto(f"{run}/report")
    expect(author.get_by_text("macro-F1").first).to_be_visible()

    approver.goto("/approvals")
    approver.get_by_role("link", name=re.compile("journey")).first.click()
    approver.get_by_label("Reason").fill("Reads complaints well enough.")
    approver.get_by_role("button", name=re.compile("^Approve")).click()
    expect(approver.get_by_text("Approved").first).to_be_visible()

    author.goto("/models/journey/versions/1")
    author.get_by_label("Endpoint").fill("journey")
    author.get_by_role("button", name="Deploy v1").click()
    author.goto("/predict/journey")
    author.get_by_label("Review").fill("Runs small and tore after one wash. Very disappointed.")
    author.get_by_role("button", name="Predict").click()
    expect(author.get_by_text(re.compile("negative|neutral|positive")).first).to_be_visible()
