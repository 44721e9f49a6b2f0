"""The list of runs: its filters stand in the address, and an empty list says why it is empty."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.runs import rows
from tests.app.runs.staging import Stage
from tests.reading import shown

Browser = Callable[..., TestClient]


def test_before_the_first_run_the_page_says_how_to_start_one(browser_as: Browser) -> None:
    page = shown(browser_as("editor", "ed"), "/runs")
    assert page.said(".empty strong") == "No runs yet"
    assert page.one(".empty a")["href"] == "/launch"
    assert not page.all("table")


def test_filters_that_fit_nothing_are_not_an_empty_house(stage: Stage, browser_as: Browser) -> None:
    stage.launch(stage.dataset())
    page = shown(browser_as("viewer"), "/runs?recipe=best")
    assert page.said(".empty strong") == "No run matches"
    assert page.one(".empty a")["href"] == "/runs"


def test_rows_say_state_steps_and_what_came_out(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    finished, closed, failed, running = (stage.launch(version) for _ in range(4))
    stage.train(finished)
    stage.train(closed, passed=False)
    stage.fail(failed, "prepare", "One class only.")
    stage.claim(running, "prepare")
    page = shown(browser_as("viewer"), "/runs")
    cells = [[cell.text for cell in row.all("td")] for row in page.all("tbody tr")]
    assert [row[0] for row in cells] == ["Running", "Failed", "Gate closed", "Succeeded"]
    assert [row[2] for row in cells] == [
        "prepare",
        "prepare: One class only.",
        "accuracy 0.31 is below 0.33",
        "registered clothing v1",
    ]
    assert [row[3] for row in cells] == ["clothing v1"] * 4
    assert [row[4] for row in cells] == ["anna"] * 4
    assert [row[7] for row in cells] == ["–", "–", ".680", ".680"]
    assert cells[3][8] == "+.050"
    track = page.all("tbody tr")[1].all(".mini i")
    assert [block.attributes["class"] for block in track] == ["bad", "", "", "", ""]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=failed", ["#2"]),
        ("status=queued", ["#3", "#1"]),
        ("recipe=standard", ["#3"]),
        ("dataset=shoes", ["#3"]),
        ("dataset=nothing", []),
        ("q=%232", ["#2"]),
        ("q=cloth", ["#3", "#2", "#1"]),
        ("pipeline=dataset-import", []),
        ("status=queued&recipe=quick", ["#1"]),
    ],
)
def test_the_address_narrows_the_list(
    stage: Stage, browser_as: Browser, query: str, found: list[str]
) -> None:
    clothing, shoes = stage.dataset("clothing"), stage.dataset("shoes")
    stage.launch(clothing)
    stage.fail(stage.launch(clothing), "prepare", "Broken.")
    stage.launch(shoes, recipe="standard")
    page = shown(browser_as("viewer"), f"/runs?{query}")
    assert [link.text.split()[-1] for link in page.all("tbody td a.nowrap")] == found


def test_tabs_count_within_the_other_filters_and_chips_take_one_away(
    stage: Stage, browser_as: Browser
) -> None:
    version = stage.dataset()
    stage.launch(version)
    stage.launch(version, recipe="standard")
    page = shown(browser_as("viewer"), "/runs?recipe=quick&status=queued")
    tabs = {tab.text: tab["href"] for tab in page.all("nav.tabs a")}
    assert tabs["Queued 1"] == "/runs?status=queued&recipe=quick"
    assert tabs["All 1"] == "/runs?recipe=quick"
    chip = page.one("a.chip.on")
    assert chip.text == "recipe quick , remove this filter"
    assert chip["href"] == "/runs?status=queued"


def test_older_runs_are_a_page_away(
    stage: Stage, browser_as: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    version = stage.dataset()
    for _ in range(3):
        stage.launch(version)
    viewer = browser_as("viewer")
    first = shown(viewer, "/runs?recipe=quick")
    assert len(first.all("tbody tr")) == 2
    second = shown(viewer, first.one("a[rel=next]")["href"])
    assert [link.text for link in second.all("tbody td a.nowrap")] == ["quick #1"]
    assert second.one(".pages a")["href"] == "/runs?recipe=quick"


def test_words_in_the_address_are_shown_as_words(stage: Stage, browser_as: Browser) -> None:
    stage.launch(stage.dataset())
    answer = browser_as("viewer").get("/runs", params={"q": '"><script>alert(1)</script>', "status": "<b>"})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
