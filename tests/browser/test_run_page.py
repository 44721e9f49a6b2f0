"""A run's page in a real Chromium while the run moves on: the stream, the phone, the keyboard, no script."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from app.accounts.tables import User
from app.core.settings import Settings
from app.handlers import open_services
from tests.app.runs.staging import Stage, answers
from tests.browser.conftest import NARROW, Site, site_of

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def stage(home: Path) -> Iterator[Stage]:
    """The engine's other side: this process does what a worker would."""
    services = open_services(Settings(home=home, database_url=None, redis_url=None))
    with services.works.reading() as work:
        actor_id = work.session.scalars(select(User.id)).first()
    yield Stage(services, actor_id or "")
    services.close()


@pytest.fixture(scope="module")
def version(stage: Stage) -> str:
    stage.worker("cpu", "io")
    return stage.dataset()


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    """A site of this module alone, whose database the stage may move."""
    with site_of(home) as site:
        yield site


def test_the_page_follows_the_run_to_its_end_without_a_reload(
    visit: Visit, stage: Stage, version: str
) -> None:
    run = stage.launch(version)
    page = visit(f"/runs/{run}")
    expect(page.locator("h1 .pill")).to_have_text("Queued")
    page.evaluate("window.stayed = true")
    lease = stage.claim(run, "prepare")
    stage.log(lease, "the first line")
    stage.progress(lease, 0, 4, "opening")
    expect(page.locator("#run-tab code").first).to_have_text("the first line")
    stage.measure(lease, train_loss=[(1, 0.9), (2, 0.5)])
    stage.progress(lease, 1, 4, "reading")
    expect(page.locator("h1 .pill")).to_have_text("Running")
    expect(page.locator(".dag .now .meter")).to_have_attribute("aria-label", "25 % done")
    expect(page.locator("#fig-loss path.ln.thin").last).to_be_attached()
    page.locator("#fig-loss summary").click()
    stage.progress(lease, 2, 4, "writing")
    expect(page.locator(".dag .now .meter")).to_have_attribute("aria-label", "50 % done")
    expect(page.locator("#fig-loss details")).to_have_attribute("open", "")
    stage.break_off(lease, "One class only.", "Upload both kinds.")
    expect(page.locator(".notice.bad")).to_contain_text("prepare failed: One class only. Upload both kinds.")
    expect(page.locator("#retry > summary")).to_have_text("Retry from prepare")
    assert page.evaluate("window.stayed") is True


def test_a_reader_is_not_disturbed_while_lines_arrive(visit: Visit, stage: Stage, version: str) -> None:
    """Half a word in the field, the open question and the place on the page outlive each message."""
    run = stage.launch(version)
    lease = stage.claim(run, "prepare")
    stage.log(lease, *[f"line {number}" for number in range(1, 41)])
    page = visit(f"/runs/{run}?step=prepare&tab=logs")
    page.locator("#log-find").press_sequentially("half a w")
    page.evaluate("window.scrollTo(0, 300)")
    top = "document.getElementById('log-find').getBoundingClientRect().top"
    place = page.evaluate(top)
    stage.progress(lease, 1, 4, "reading")
    expect(page.locator(".dag .now .meter")).to_have_attribute("aria-label", "25 % done")
    assert page.input_value("#log-find") == "half a w"
    assert page.evaluate("document.activeElement.id") == "log-find"
    assert page.evaluate(top) == pytest.approx(place, abs=2)
    page.locator("#cancel > summary").click()
    stage.progress(lease, 2, 4, "reading")
    expect(page.locator(".dag .now .meter")).to_have_attribute("aria-label", "50 % done")
    page.get_by_role("dialog").get_by_role("button", name="Cancel run").click()
    expect(page.locator("h1 .pill")).to_have_text("Cancelling")
    expect(page.locator("#toast")).to_contain_text("is being cancelled")


def test_the_address_of_a_line_opens_the_part_that_holds_it(visit: Visit, stage: Stage, version: str) -> None:
    run = stage.launch(version)
    lease = stage.claim(run, "prepare")
    stage.log(lease, *[f"line {number}" for number in range(1, 1001)])
    page = visit(f"/runs/{run}?step=prepare&attempt=1&tab=logs#L120")
    expect(page.locator("#L120 code")).to_have_text("line 120")
    expect(page.locator("#L120")).to_be_in_viewport()
    page.get_by_role("link", name="Follow the end").click()
    expect(page.locator("#L1000")).to_be_in_viewport()
    page.locator("#log-find").fill("LINE 77")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("#run-tab .hint")).to_contain_text("11 of 1,000 lines")


def test_a_retry_begins_where_it_stopped_and_is_followed_too(
    visit: Visit, stage: Stage, version: str
) -> None:
    run = stage.launch(version)
    stage.succeed(run, "prepare", {"snapshot.json": b"{}"})
    stage.fail(run, "train", "The loss is not a number.")
    page = visit(f"/runs/{run}")
    page.locator("#retry > summary").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry from train").click()
    expect(page.locator(".dag > li").nth(1)).to_contain_text("Waiting")
    stage.claim(run, "train")
    expect(page.locator(".dag > li").nth(1)).to_contain_text("attempt 2")


def test_a_script_that_comes_late_does_not_leave_the_page_deaf(
    visit: Visit, stage: Stage, version: str
) -> None:
    run = stage.launch(version)
    page = visit("/help")

    def late(route: Route) -> None:
        page.wait_for_timeout(1000)
        route.continue_()

    page.route("**/hx-sse.min.js*", late)
    page.goto(f"{page.url.removesuffix('/help')}/runs/{run}")
    stage.claim(run, "prepare")
    expect(page.locator("h1 .pill")).to_have_text("Running")


def test_the_log_opens_at_its_end_and_stays_there(visit: Visit, stage: Stage, version: str) -> None:
    run = stage.launch(version)
    lease = stage.claim(run, "prepare")
    stage.log(lease, *[f"line {number}" for number in range(1, 101)])
    page = visit(f"/runs/{run}")
    bottoms = "['#L100', '#run-tab .log'].map(s => document.querySelector(s).getBoundingClientRect().bottom)"
    last_line, box = page.evaluate(bottoms)
    assert last_line <= box


@pytest.mark.parametrize("path", ["", "?step=train&tab=config", "?step=train&tab=artifacts", "/report"])
def test_nothing_scrolls_sideways_on_a_phone(visit: Visit, stage: Stage, version: str, path: str) -> None:
    run = stage.launch(version)
    stage.train(run)
    page = visit(f"/runs/{run}{path}", narrow=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


@pytest.mark.parametrize("path", ["/runs", "/launch", "/runs?recipe=nothing"])
def test_neither_do_the_list_and_the_form(visit: Visit, stage: Stage, version: str, path: str) -> None:
    stage.launch(version)
    page = visit(path, narrow=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_from_the_form_to_the_end_without_a_script(visit: Visit, stage: Stage, version: str) -> None:
    page = visit("/launch", scripts=False)
    page.get_by_label("quick").check()
    page.get_by_role("button", name="Show the recipe’s values").click()
    assert page.input_value("[name='p.epochs']") == "1"
    page.fill("[name='p.seed']", "7")
    page.get_by_role("button", name="Launch run").click()
    run = page.url.rsplit("/", 1)[-1]
    expect(page.locator("h1")).to_contain_text("quick")
    stage.train(run)
    page.reload()
    expect(page.locator("h1 .pill")).to_have_text("Succeeded")
    page.get_by_role("link", name="Evaluation report").click()
    expect(page.locator(".verdict")).to_be_visible()


def test_a_run_is_cancelled_and_retried_without_a_script(visit: Visit, stage: Stage, version: str) -> None:
    run = stage.launch(version)
    page = visit(f"/runs/{run}", scripts=False)
    page.locator("#cancel > summary").click()
    page.locator("#cancel").get_by_role("button", name="Cancel run").click()
    expect(page.locator("h1 .pill")).to_have_text("Cancelled")
    expect(page.locator("#toast")).to_contain_text("was cancelled")
    page.locator("#retry > summary").click()
    expect(page.locator("#retry p")).to_contain_text("run again")
    page.locator("#retry").get_by_role("button", name="Retry from prepare").click()
    expect(page.locator("h1 .pill")).to_have_text("Queued")


def test_a_cell_leads_to_its_reviews_on_a_phone_without_a_script(
    visit: Visit, stage: Stage, version: str
) -> None:
    run = stage.launch(version)
    rows = [("-1", "1", "Tops", "Scratchy wool, " * 30), ("1", "1", "Tops", "Lovely")]
    stage.train(run, predictions=answers(rows))
    page = visit(f"/runs/{run}/report", scripts=False, narrow=True)
    page.locator(".cm tbody tr").first.locator("td a").last.click()
    expect(page.locator("main tbody tr")).to_have_count(1)
    expect(page.locator("main tbody tr")).to_contain_text("Scratchy wool")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
