"""The list of runs: its filters stand in the address, and an empty list says why it is empty."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.keeping.tables import Archived, Tag
from app.runs import queries
from app.runs.listing import queries as list_queries
from app.runs.listing import rows
from app.runs.tables import Run
from tests.app.runs.staging import Stage
from tests.reading import Page, shown

pytestmark = pytest.mark.both_databases

Browser = Callable[..., TestClient]


def numbers(page: Page) -> list[str]:
    return [link.text.split()[-1] for link in page.all("tbody td.nowrap > a[href^=/runs/]")]


def set_run(services: Services, run_id: str, **values: object) -> None:
    with services.works.writing() as work:
        run = work.session.get_one(Run, run_id)
        for name, value in values.items():
            setattr(run, name, value)


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
    assert [row[1] for row in cells] == ["Running", "Failed", "Gate closed", "Succeeded"]
    assert [row[2] for row in cells] == [f"quick #{number} clothing v1 · anna" for number in (4, 3, 2, 1)]
    assert [row[3] for row in cells] == [
        "prepare",
        "prepare: One class only.",
        "accuracy 0.31 is below 0.33",
        "registered clothing v1",
    ]
    assert [row[6] for row in cells] == ["–", "–", ".680 +.050", ".680 +.050"]
    assert cells[0][4].endswith("UTC")
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
        ("by=anna", ["#3", "#2", "#1"]),
        ("by=nobody", []),
        ("q=stand", ["#3"]),
        ("sort=launched", ["#1", "#2", "#3"]),
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
    assert numbers(page) == found


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
    assert [link.text for link in second.all("tbody td.nowrap > a[href^=/runs/]")] == ["quick #1"]
    assert second.one(".pages a")["href"] == "/runs?recipe=quick"


def test_words_in_the_address_are_shown_as_words(stage: Stage, browser_as: Browser) -> None:
    stage.launch(stage.dataset())
    answer = browser_as("viewer").get("/runs", params={"q": '"><script>alert(1)</script>', "status": "<b>"})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_a_run_whose_gate_stayed_closed_has_not_simply_succeeded(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    stage.train(stage.launch(version))
    stage.train(stage.launch(version), passed=False)
    viewer = browser_as("viewer")
    tabs = [tab.text for tab in shown(viewer, "/runs").all("nav.tabs a")]
    assert tabs == [
        "All 2",
        "Running 0",
        "Queued 0",
        "Failed 0",
        "Gate closed 1",
        "Succeeded 1",
        "Cancelled 0",
    ]
    assert numbers(shown(viewer, "/runs?status=closed")) == ["#2"]
    assert numbers(shown(viewer, "/runs?status=succeeded")) == ["#1"]


def test_any_order_is_paged_without_losing_or_repeating_a_run(
    stage: Stage, services: Services, browser_as: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)
    version = stage.dataset()
    found = [stage.launch(version) for _ in range(5)]
    for run_id, value in zip(found, (0.5, None, 0.7, 0.5, 0.6), strict=True):
        set_run(services, run_id, macro_f1=value)
    viewer = browser_as("viewer")
    seen: list[str] = []
    address: str | None = "/runs?sort=-macro_f1"
    while address:
        page = shown(viewer, address)
        assert page.one("th[aria-sort]")["aria-sort"] == "descending"
        seen += numbers(page)
        address = next((link["href"] for link in page.all("a[rel=next]")), None)
    assert seen == ["#3", "#5", "#4", "#1", "#2"]
    assert numbers(shown(viewer, "/runs?sort=macro_f1"))[:2] == ["#1", "#4"]


def test_the_longest_run_comes_first_where_that_is_asked(
    stage: Stage, services: Services, browser_as: Browser
) -> None:
    version = stage.dataset()
    start = datetime(2026, 11, 22, 13, tzinfo=UTC)
    for minutes in (5, 90, 20):
        set_run(
            services,
            stage.launch(version),
            started_at=start,
            finished_at=start + timedelta(minutes=minutes),
            status="cancelled",
        )
    page = shown(browser_as("viewer"), "/runs?sort=-duration")
    assert numbers(page) == ["#2", "#3", "#1"]
    assert [row.all("td")[5].text for row in page.all("tbody tr")] == ["1h 30m", "20m 00s", "5m 00s"]


def test_an_unknown_order_is_refused_with_those_there_are(browser_as: Browser) -> None:
    answer = browser_as("viewer").get("/runs?sort=speed")
    assert answer.status_code == 422
    assert "-macro_f1" in Page(answer.text).text


def test_a_duration_stands_beside_the_median_of_its_recipe(
    stage: Stage, services: Services, browser_as: Browser
) -> None:
    version = stage.dataset()
    start = datetime(2026, 11, 22, 13, tzinfo=UTC)
    for seconds in (60, 100, 600):
        run_id = stage.launch(version)
        stage.train(run_id)
        set_run(services, run_id, started_at=start, finished_at=start + timedelta(seconds=seconds))
    stage.launch(version, recipe="best")
    bars = shown(browser_as("viewer"), "/runs").all("tbody .meter")
    assert [bar["aria-label"] for bar in bars] == [
        f"{took}; median of 3 runs: 1m 40s" for took in ("10m 00s", "1m 40s", "1m 00s")
    ]
    assert bars[1].one("rect.f-soft")["width"] == bars[1].one("line.tick")["x1"]


def test_tags_lead_to_their_runs_and_archived_ones_are_out_of_sight(
    stage: Stage, services: Services, browser_as: Browser
) -> None:
    version = stage.dataset()
    old, tagged = stage.launch(version), stage.launch(version)
    with services.works.writing() as work:
        work.session.add(Tag(subject_id=tagged, name="nightly", actor_id="usr_1"))
        work.session.add(Archived(subject_id=old, actor_id="usr_1"))
    viewer = browser_as("viewer")
    page = shown(viewer, "/runs")
    assert numbers(page) == ["#2"]
    assert page.one("a.tag")["href"] == "/runs?tag=nightly"
    assert numbers(shown(viewer, "/runs?tag=nightly")) == ["#2"]
    assert numbers(shown(viewer, "/runs?q=nightly")) == ["#2"]
    assert numbers(shown(viewer, "/runs?archived=1")) == ["#1"]


def test_chosen_runs_are_archived_together(stage: Stage, services: Services, browser_as: Browser) -> None:
    version = stage.dataset()
    found = [stage.launch(version) for _ in range(3)]
    for run_id in found:
        stage.fail(run_id, "prepare", "Broken.")
    editor = browser_as("editor", "ed")
    assert shown(editor, "/runs").one("form#chosen button[formaction]")["formaction"] == "/runs/archival"
    answer = editor.post("/runs/archival", data={"ids": found[:2]})
    assert answer.headers["location"] == "/runs"
    page = shown(editor, "/runs")
    assert page.said("#toast") == "2 runs archived."
    assert numbers(page) == ["#3"]
    assert browser_as("viewer").post("/runs/archival", data={"ids": found}).status_code == 403


def test_what_still_moves_is_asked_for_again_until_it_has_ended(stage: Stage, browser_as: Browser) -> None:
    run_id = stage.launch(stage.dataset())
    lease = stage.claim(run_id, "prepare")
    stage.measure(lease, val_macro_f1=[(1, 0.5), (2, 0.612)])
    viewer = browser_as("viewer")
    page = shown(viewer, "/runs")
    assert page.said(f"#f1-{run_id}") == "val .612"
    address = page.one("#moving")["hx-get"]
    stage.break_off(lease, "Broken.")
    cells = Page(viewer.get(address, headers={"HX-Request": "true"}).text)
    parts = {part["hx-target"]: part for part in cells.all("hx-partial")}
    assert parts[f"#st-{run_id}"].text == "Failed"
    assert "hx-get" not in parts["#moving"].one("#moving").attributes


def test_a_script_gets_the_table_alone_with_the_address_to_show(stage: Stage, browser_as: Browser) -> None:
    stage.launch(stage.dataset())
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    answer = browser_as("viewer").get("/runs?q=cloth&recipe=&dataset=", headers=headers)
    assert answer.headers["hx-push-url"] == "/runs?q=cloth"
    page = Page(answer.text)
    assert not page.all("h1")
    assert numbers(page) == ["#1"]


def test_the_list_is_also_a_file_with_all_that_match(
    stage: Stage, browser_as: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_queries, "AT_ONCE", 2)
    version = stage.dataset()
    for _ in range(4):
        stage.launch(version)
    stage.train(stage.launch(version, recipe="best"))
    viewer = browser_as("viewer")
    listed = viewer.get("/runs.json").json()
    assert [row["number"] for row in listed["items"]] == [5, 4, 3, 2, 1]
    first = listed["items"][0]
    assert (first["macro_f1"], first["difference_macro_f1"], first["n"]) == (0.68, 0.05, 1133)
    assert (first["dataset"], first["dataset_version"], first["by"]) == ("clothing", 1, "anna")
    text = viewer.get("/runs.csv?recipe=quick").text
    assert [row["number"] for row in csv.DictReader(io.StringIO(text))] == ["4", "3", "2", "1"]
    links = {link.text: link["href"] for link in shown(viewer, "/runs?recipe=quick").all(".pages a")}
    assert links["CSV"] == "/runs.csv?recipe=quick"


def test_runs_taken_from_the_cache_say_nothing_about_the_usual_time(stage: Stage, services: Services) -> None:
    version = stage.dataset()
    start = datetime(2026, 11, 22, 13, tzinfo=UTC)
    found = [stage.launch(version) for _ in range(3)]
    for run_id, seconds in zip(found, (60, 1, 80), strict=True):
        stage.train(run_id)
        set_run(services, run_id, started_at=start, finished_at=start + timedelta(seconds=seconds))
    with services.works.writing() as work:
        for step in queries.steps_of(work.session, found[1])[:3]:
            step.cached = True
    with services.works.reading() as work:
        usual = list_queries.usual_times(work.session, [("review-classifier", "quick")])
    (only,) = usual.values()
    assert (round(only.seconds), only.n) == (70, 2)
