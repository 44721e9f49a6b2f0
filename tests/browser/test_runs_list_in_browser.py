"""The list of runs with scripts: it searches while somebody types, and Back brings the filters back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.core.settings import Settings
from app.handlers import open_services
from tests.app.runs.staging import Stage
from tests.browser.conftest import Site, site_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stage(home: Path) -> Iterator[Stage]:
    services = open_services(Settings(home=home, database_url=None, redis_url=None))
    stage = Stage(services, "usr_1")
    clothing, shoes = stage.dataset("clothing"), stage.dataset("shoes")
    stage.launch(clothing, recipe="quick")
    stage.launch(shoes, recipe="best")
    yield stage
    services.close()


@pytest.fixture(scope="module")
def site(home: Path, stage: Stage) -> Iterator[Site]:
    with site_of(home) as site:
        yield site


def test_typing_narrows_the_list_and_back_widens_it_again(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit("/runs")
    rows = page.locator("#list tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Search runs").press_sequentially("best")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/runs\?q=best$"))
    page.locator("#list tbody a").first.click()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/runs\?q=best$"))
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Search runs")).to_have_value("best")


def test_a_choice_narrows_at_once(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit("/runs")
    page.get_by_label("Recipe").select_option("quick")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/runs\?recipe=quick$"))


def test_a_run_that_ends_is_shown_as_ended_without_a_reload(visit, stage: Stage) -> None:  # type: ignore[no-untyped-def]
    run_id = stage.launch(stage.dataset("hats"), recipe="quick")
    page = visit("/runs")
    row = page.locator("tr", has=page.locator(f"#st-{run_id}"))
    expect(row).to_contain_text("Queued")
    row.get_by_role("checkbox").check()
    stage.fail(run_id, "prepare", "Broken.")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("prepare: Broken.")
    expect(row.get_by_role("checkbox")).to_be_checked()


def test_choosing_a_recipe_shows_its_values_and_keeps_what_was_typed(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit("/launch?recipe=quick")
    page.get_by_label("seed").fill("7")
    page.locator("input[name=recipe][value=best]").check()
    expect(page.get_by_label("max_seq_length")).to_have_value("160")
    expect(page.get_by_label("seed")).to_have_value("7")
    expect(page).to_have_url(re.compile(r"recipe=best.*p\.seed=7"))


def test_chosen_runs_are_compared(visit) -> None:  # type: ignore[no-untyped-def]
    page = visit("/runs")
    page.get_by_label("Choose run #1").check()
    page.get_by_label("Choose run #2").check()
    page.get_by_role("button", name="Compare chosen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare #2, #1")
