"""The page of a version: what its facts can show, and what is decided on it."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.accounts.tables import User
from app.core.services import Services
from app.core.work import Work
from app.datasets import queries
from app.datasets.tables import DatasetVersion
from app.runs import queries as runs
from tests.app.datasets.importing import REVIEWS, push, push_ready, work_off
from tests.app.runs.staging import Stage
from tests.reading import Page

Browser = Callable[..., TestClient]
WITH_CATEGORIES = b"text,rating,title,category\n" + b"".join(
    b"a review of dress number %d,%d,t,%s\n" % (n, (1, 5, 3, 5)[n % 4], b"Tops" if n % 2 else b"Dresses")
    for n in range(200)
)


def address(version: dict[str, str]) -> str:
    return f"/datasets/{version['dataset_id']}/v/{version['version']}"


def test_figures_show_what_the_import_counted_and_give_it_as_files(
    browser_as: Browser, services: Services
) -> None:
    browser = browser_as("editor")
    version = push_ready(browser, services, WITH_CATEGORIES)
    page = Page(browser.get(address(version)).text)
    drawn = [figure["id"] for figure in page.all("figure")]
    assert drawn == ["fig-labels", "fig-ratings", "fig-lengths", "fig-categories"]
    assert "50 % of the reviews give 5 of 5 stars" in page.said("#fig-ratings")
    assert "“positive” has the smallest share in Dresses, the largest in Tops" in page.said("#fig-categories")
    assert "may be chance" not in page.said("#fig-categories")
    assert "Half of the reviews have 7 words or fewer" in page.said("#fig-lengths")
    for name in ("labels", "ratings", "lengths", "categories"):
        file = browser.get(f"{address(version)}/figures/{name}.csv")
        assert file.headers["content-type"].startswith("text/csv")
    assert file.text.splitlines()[1:] == ["Dresses,50,50,0,100", "Tops,0,0,100,100"]
    assert browser.get(f"{address(version)}/figures/nothing.csv").status_code == 404


def test_a_version_from_before_the_counting_says_so(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    version = push_ready(browser, services)
    with services.works.writing() as work:
        row = work.session.get_one(DatasetVersion, version["id"])
        row.facts = {key: value for key, value in row.facts.items() if key != "summary"}
    page = Page(browser.get(address(version)).text)
    assert "were not counted when this version was imported" in page.text
    assert [figure["id"] for figure in page.all("figure")] == ["fig-labels"]


def test_a_staged_version_without_facts_has_a_page_that_tells_of_its_damage(
    browser_as: Browser, services: Services
) -> None:
    browser = browser_as("editor")
    with services.works.reading() as work:
        actor = somebody(work)
    Stage(services, actor).dataset("bare")
    answer = browser.get("/datasets/bare/v/1")
    assert answer.status_code == 500
    assert "is no Parquet file" in answer.text


def somebody(work: Work) -> str:
    return work.session.scalars(select(User.id)).first() or ""


def test_versions_tell_what_each_added(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    push_ready(browser, services)
    push(browser)  # is being imported: it has no rows to compare with
    third = push_ready(browser, services, REVIEWS + b"awful,1,x\nlovely,5,x\nlovely too,5,x\n")
    for page in (address(third), f"/datasets/{third['dataset_id']}"):
        table = Page(browser.get(page).text).one("section[aria-labelledby=h-versions] table")
        first, second, oldest = [row.text for row in table.all("tbody tr")]
        assert re.search(r"v3.*43 \+3 \+1 negative, \+2 positive", first)
        assert "v2" in second
        assert "– –" in oldest


def test_an_import_shows_its_progress_and_can_be_cancelled(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    pushed = push(browser).json()
    place = f"/datasets/{pushed['id']}/v/1"
    assert "No worker serves the queue “io”" in browser.get(place).text
    with services.works.reading() as work:
        stage = Stage(services, somebody(work))
    stage.worker("io")
    assert "It waits for a worker" in browser.get(place).text
    lease = stage.claim(pushed["run_id"], "import")
    stage.progress(lease, 250, 1000, "reading rows: 30 kept, 2 rejected")
    page = Page(browser.get(place, headers={"HX-Request": "true"}).text)
    assert page.one("progress")["value"] == "25.0"
    assert "25 % · reading rows: 30 kept, 2 rejected" in page.said("#progress")
    answer = browser.post(f"{place}/cancellation")
    assert answer.headers["location"] == place
    assert "is being cancelled" in browser.get(place).text
    with services.works.reading() as work:
        assert runs.cancel_requested(work.session, pushed["run_id"])


def test_a_failed_import_says_what_to_do_and_keeps_the_file(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    pushed = push(browser, b"text,rating\na,5\nb,5\n").json()
    work_off(services, pushed["version_id"])
    page = Page(browser.get(f"/datasets/{pushed['id']}/v/1").text)
    assert "one and the same label" in page.said(".notice.bad")
    other = next(link["href"] for link in page.all(".notice a") if "/uploads/" in link["href"])
    again = browser.get(other)
    assert again.status_code == 200
    assert "becomes its version 2" in again.text


def test_many_rejects_are_shown_by_reason_and_the_version_confirmed_or_discarded(
    browser_as: Browser, services: Services
) -> None:
    browser = browser_as("editor", "erik")
    content = REVIEWS + b",5,no text\n" * 5 + b"odd,nine,x\n"
    version = push_ready(browser, services, content)
    decide = Page(browser.get(address(version)).text).said("#decide")
    assert "5 × no text" in decide
    assert "42 41 ,5,no text" in decide  # line and row of the first one
    assert "1 × the rating is not a whole number from 1 to 5" in decide
    assert browser.post(f"{address(version)}/discard").headers["location"] == address(version)
    page = browser.get(address(version)).text
    assert "dresses v1 was discarded." in page
    assert "Discarded by erik" in page
    assert "Launch a run on" not in page
    assert browser.post(f"{address(version)}/confirmation").status_code == 409
    with services.works.reading() as work:
        assert queries.newest_ready(work.session, version["dataset_id"]) is None
    second = push_ready(browser, services, content)
    browser.post(f"{address(second)}/confirmation")
    assert "v2 was confirmed and can be used" in browser.get(address(second)).text
    assert browser.post(f"{address(second)}/discard").status_code == 409


def test_rejects_have_their_page_and_files(browser_as: Browser, services: Services) -> None:
    browser = browser_as("editor")
    version = push_ready(browser, services, REVIEWS + b",5,=cmd()\n" * 60)
    place = f"{address(version)}/rejects"
    first = browser.get(place).text
    assert "1–50 of 60" in first
    assert "51–60 of 60" in browser.get(f"{place}?after=50").text
    assert browser.get(f"{place}.json").json()["total"] == 60
    assert browser.get(f"{place}.csv").text.count("no text") == 60


@pytest.mark.parametrize("path", ["", "/rows", "/rejects"])
def test_the_real_reviews_fit_the_budget_of_a_page(
    path: str, browser_as: Browser, services: Services, sample: Path
) -> None:
    browser = browser_as("editor")
    version = push_ready(browser, services, sample.read_bytes(), "clothing")
    page = browser.get(address(version) + path)
    assert page.status_code == 200
    assert len(gzip.compress(page.content)) < 40_000
