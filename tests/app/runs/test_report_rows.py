"""The test rows behind a report's figures: by cell, by slice, by text, a page at a time and as files."""

import csv
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.runs.report.answers import Narrowed
from tests.app.runs.staging import Stage, answers
from tests.reading import Page, shown

Browser = Callable[..., TestClient]
ROWS = [
    ("-1", "1", "Tops", "Scratchy <wool>"),
    ("1", "1", "Tops", "Lovely"),
    ("0", "1", "Dresses", "It is fine " * 40),
    ("1", "1", "Dresses", "lovely dress"),
    ("-1", "-1", "Tops", "100% bad"),
    *[("1", "1", "Knits", f"warm {number}") for number in range(60)],
]


@pytest.fixture
def measured(stage: Stage, run_id: str) -> str:
    stage.train(run_id, predictions=answers(ROWS))
    return run_id


def texts(page: Page) -> list[str]:
    return [row.one("td").text.partition(" row ")[0] for row in page.all("main tbody tr")]


def test_a_cell_of_the_confusion_matrix_opens_its_reviews(measured: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    report = shown(viewer, f"/runs/{measured}/report")
    cell = report.all(".cm tbody tr")[0].all("td")[2].one("a")
    page = shown(viewer, cell["href"])
    assert texts(page) == ["Scratchy <wool>"]
    assert "negative and were taken for positive" in page.said(".lede")
    assert page.all("main tbody td")[3].text == "negative"  # the baseline was right


def test_a_slice_opens_its_mistakes(measured: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    report = shown(viewer, f"/runs/{measured}/report")
    addresses = {link.text: link["href"] for link in report.all("td a") if "category" in link["href"]}
    assert texts(shown(viewer, addresses["Tops"])) == ["Scratchy <wool>"]
    by_length = f"/runs/{measured}/report/rows?length=90+words+or+more"
    assert [text[:10] for text in texts(shown(viewer, by_length))] == ["It is fine"]


def test_the_surest_mistakes_stand_in_the_report(measured: str, browser_as: Browser) -> None:
    report = shown(browser_as("viewer"), f"/runs/{measured}/report")
    table = report.all("table.stackable tbody tr")
    assert [row.one("td").text[:16] for row in table] == ["“Scratchy <wool>", "“It is fine It i"]
    assert report.one("a[href$='rows?wrong=yes']").text == "All 2 mistakes"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=LOVELY", ["Lovely", "lovely dress"]),
        ("q=100%25", ["100% bad"]),
        ("wrong=no&category=Tops", ["Lovely", "100% bad"]),
        ("category=Tops&sort=unsure", ["100% bad", "Lovely", "Scratchy <wool>"]),
        ("actual=-1&predicted=-1", ["100% bad"]),
        ("category=Nothing", []),
        ("length=nonsense", []),
    ],
)
def test_rows_are_narrowed_and_ordered(
    measured: str, browser_as: Browser, query: str, found: list[str]
) -> None:
    assert texts(shown(browser_as("viewer"), f"/runs/{measured}/report/rows?{query}")) == found


def test_pages_hold_all_rows_once(measured: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    address: str | None = f"/runs/{measured}/report/rows?sort=row"
    found: list[str] = []
    while address:
        page = shown(viewer, address)
        found += [row.one(".mono").text for row in page.all("main tbody tr")]
        address = next((link["href"] for link in page.all("a[rel='next']")), None)
    assert found == [f"row-{number}" for number in range(1, len(ROWS) + 1)]
    assert texts(shown(viewer, f"/runs/{measured}/report/rows?page=99")) == []


def test_files_hold_every_row_that_matches(measured: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    items = viewer.get(f"/runs/{measured}/report/rows.json?category=Knits").json()
    assert items["total"] == 60
    assert items["items"][0]["p_1"] == pytest.approx(0.945)
    table = list(csv.DictReader(viewer.get(f"/runs/{measured}/report/rows.csv?wrong=yes").text.splitlines()))
    assert [(row["actual"], row["predicted"], row["baseline"]) for row in table] == [
        ("'-1", "1", "'-1"),
        ("0", "1", "0"),
    ]


def test_a_run_that_kept_no_rows_says_so_and_its_report_has_no_links(
    stage: Stage, run_id: str, browser_as: Browser
) -> None:
    stage.train(run_id)
    viewer = browser_as("viewer")
    assert viewer.get(f"/runs/{run_id}/report/rows").status_code == 404
    report = shown(viewer, f"/runs/{run_id}/report")
    assert not report.all(".cm a")
    assert not report.all("#h-err")


def test_a_few_rows_are_not_judged(measured: str, browser_as: Browser) -> None:
    report = shown(browser_as("viewer"), f"/runs/{measured}/report")
    trend = next(row for row in report.all("tbody tr") if row.text.startswith("Trend 6"))
    assert "too few to judge" in trend.text


def test_the_numbers_of_each_figure_are_a_file(measured: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    links = [link["href"] for link in shown(viewer, f"/runs/{measured}/report").all("figure a[download]")]
    assert len(links) == 7
    for link in links:
        answer = viewer.get(link)
        assert answer.status_code == 200, link
        assert len(answer.text.splitlines()) > 2
    assert viewer.get(f"/runs/{measured}/report/figures/nothing.csv").status_code == 404


def test_an_address_names_only_what_it_changes() -> None:
    assert Narrowed().url() == ""
    assert Narrowed(actual="-1", page=4).url(wrong="yes") == "?actual=-1&wrong=yes"
