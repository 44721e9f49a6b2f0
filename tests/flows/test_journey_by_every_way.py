"""The main job in a real Chromium by two people, author and approver, in four ways over one product.

Upload, choose columns, launch, watch, read the report, approve, deploy, predict. The first way trains for
real; the others ask for the same training and get it from the cache, as they would anywhere.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.conftest import PASSWORD
from tests.flows.hands import WAYS, Mouse, NoScript
from tests.flows.product import PATIENCE_SECONDS, Product

pytestmark = [pytest.mark.flow, pytest.mark.browser]

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
COMPLAINT = "Runs small and tore after one wash. Very disappointed."


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=which("chromium") or which("chromium-browser"),
            args=list(QUIET),
            chromium_sandbox=False,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def people(product: Product, browser: Browser) -> None:
    """anna takes the first link and invites bert, who decides."""
    link = next(part for line in product.lines for part in line.split() if "/setup?token=" in part)
    anna, bert = NoScript(browser, product.url), NoScript(browser, product.url)
    choose_password(anna, link, "anna")
    anna.open("/settings/users")
    invitation = anna.page.get_by_role("region", name="Invite a user")
    anna.fill(invitation.get_by_label("Name", exact=True), "bert")
    anna.choose(invitation.get_by_label("Role", exact=True), "approver")
    anna.press(anna.button("Create user"))
    choose_password(bert, anna.page.locator(".once code").inner_text(), "")
    for hand in (anna, bert):
        hand.context.close()


def choose_password(hand: Mouse, link: str, name: str) -> None:
    hand.open(link)
    if name:
        hand.fill(hand.page.get_by_label("Name", exact=True), name)
    hand.fill(hand.page.get_by_label("Password", exact=True), PASSWORD)
    hand.fill(hand.page.get_by_label("Password again"), PASSWORD)
    hand.press(hand.button("sign in"))
    expect(hand.page.get_by_role("button", name="Sign out")).to_be_attached()


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_from_a_file_to_an_answer(
    way: type[Mouse], product: Product, reviews: Path, small_encoder: Path, browser: Browser
) -> None:
    author, approver = way(browser, product.url), way(browser, product.url)
    sign_in(author, "anna")
    sign_in(approver, "bert")
    name = f"journey-{way.name}"
    upload(author, reviews, name)
    train(author, small_encoder)
    approve(approver, name)
    deploy(author, name)
    predict(author)
    for hand in (author, approver):
        hand.nothing_went_wrong()
        hand.context.close()


def sign_in(hand: Mouse, name: str) -> None:
    hand.open("/login")
    hand.fill(hand.page.get_by_label("Name", exact=True), name)
    hand.fill(hand.page.get_by_label("Password"), PASSWORD)
    hand.press(hand.button("Sign in"))
    hand.page.wait_for_url("**/")


def upload(hand: Mouse, reviews: Path, name: str) -> None:
    hand.open("/datasets")
    hand.press(hand.link("Upload reviews"))
    hand.attach(hand.page.locator("main input[type=file]"), reviews)
    hand.fill(hand.page.get_by_label("Name of the data set"), name)
    hand.press(hand.button("Upload file"))
    expect(hand.page.locator("select[name=text]")).to_have_value("Review Text")
    hand.press(hand.button("Import data set"))
    hand.await_("text=1,200")


def train(hand: Mouse, encoder: Path) -> None:
    """The small encoder and short texts; on some sixty test rows the margin over guessing says nothing."""
    hand.press(hand.link("Launch a run on v1"))
    hand.tick(hand.page.get_by_role("radio", name=re.compile("quick")))
    small = {"encoder": str(encoder), "max_seq_length": "64", "min_accuracy_value": "0.34"}
    for parameter, value in {**small, "min_macro_f1_margin": "-1"}.items():
        hand.fill(hand.page.locator(f"[name='p.{parameter}']"), value)
    hand.press(hand.button("^Launch run"))
    expect(hand.page).to_have_url(re.compile(r"/runs/run_"))
    hand.await_("h1 .pill.ok")
    hand.press(hand.link("Evaluation report"))
    expect(hand.page.get_by_text("macro-F1").first).to_be_visible()


def approve(hand: Mouse, name: str) -> None:
    hand.open("/approvals")
    hand.press(hand.link(name))
    hand.fill(hand.page.locator("textarea[name=comment]"), "Reads complaints well enough.")
    hand.press(hand.button("^Approve"))
    expect(hand.page.locator("main").get_by_text("Approved").first).to_be_visible()


def deploy(hand: Mouse, name: str) -> None:
    hand.open(f"/models/{name}/versions/1")
    hand.fill(hand.page.locator("main [name=endpoint]").first, name)
    hand.press(hand.button("^Deploy v1"))
    expect(hand.page).to_have_url(re.compile(f"/endpoints/{name}"))


def predict(hand: Mouse) -> None:
    hand.press(hand.link("Try it"))
    hand.await_("textarea[name=text]")
    hand.fill(hand.page.locator("textarea[name=text]"), COMPLAINT)
    hand.press(hand.button("^Predict"))
    answer = hand.page.locator("main").get_by_text(re.compile("negative|neutral|positive"))
    expect(answer.first).to_be_visible(timeout=PATIENCE_SECONDS * 1000)
