"""A step in shards on the run's page, in the list and in JSON: one step, with its shards beneath it."""

import csv
import io
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.runs.listing.queries import usual_step_times
from tests.app.runs.staging import Stage
from tests.reading import shown

Browser = Callable[..., TestClient]


@pytest.fixture
def sharded(stage: Stage) -> str:
    """Of twelve shards seven are done, one is half done, two have failed, two wait."""
    run_id = stage.launch(stage.dataset(), shards=12)
    for number in range(1, 8):
        stage.succeed(run_id, f"prepare[{number}]", {"share.json": b"{}"})
    lease = stage.claim(run_id, "prepare[8]")
    stage.progress(lease, 50, 100, "tokenizing")
    stage.log(lease, "half of it")
    for number in (9, 10):
        stage.fail(run_id, f"prepare[{number}]", "The disk is full.")
    return run_id


def test_the_shards_are_one_step_with_one_bar_and_a_list(sharded: str, browser_as: Browser) -> None:
    page = shown(browser_as("viewer"), f"/runs/{sharded}")
    assert "open" not in page.one("#shards-prepare").attributes
    names = [node.text for node in page.all(".dag h3 a")]
    assert names == ["prepare", "train", "evaluate", "gate", "register"]
    card = page.all(".dag > li")[0]
    assert "7 of 12 shards, 1 running, 2 failed" in card.text
    assert card.one(".meter")["aria-label"] == "62 % done"  # 7.5 of 12
    facts = {node.one("dt").text: node.one("dd").text for node in page.all(".stats > div")}
    assert facts["Phase"] == "prepare 7 of 12 shards, 1 running, 2 failed"
    assert facts["Steps"] == "0 of 5"
    assert facts["Expected end"].endswith("by its pace so far")
    rows = page.all("#shards-prepare tbody tr")
    assert [row.one("a").text for row in rows] == [f"prepare[{number}]" for number in range(1, 13)]
    states = [row.one(".pill").text for row in rows[6:]]
    assert states == ["Succeeded", "Running", "Failed", "Failed", "Waiting", "Waiting"]
    assert "50 %" in rows[7].text
    assert "The disk is full." in rows[8].text


def test_a_shard_has_its_own_log_and_leads_back_to_the_list(sharded: str, browser_as: Browser) -> None:
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{sharded}")
    link = page.all("#shards-prepare tbody tr")[7].one("a")["href"]
    assert link == "?step=prepare%5B8%5D#run-step"
    page = shown(viewer, f"/runs/{sharded}{link.partition('#')[0]}&tab=logs")
    assert page.said("#h-step") == "prepare[8]"
    assert page.said(".log code") == "half of it"
    assert "open" in page.one("#shards-prepare").attributes
    assert page.one(".dag a[aria-current]").text == "prepare"
    raw = viewer.get(f"/api/v1/runs/{sharded}/logs", params={"step": "prepare[8]"})
    assert raw.text == "half of it\n"


def test_many_shards_are_one_bar_of_the_clock_and_each_a_row_of_its_file(
    sharded: str, browser_as: Browser
) -> None:
    viewer = browser_as("viewer")
    page = shown(viewer, f"/runs/{sharded}")
    attempts = page.all("#fig-attempts tbody tr")
    assert [row.all("td, th")[0].text for row in attempts] == ["prepare × 12"]
    rows = list(csv.DictReader(io.StringIO(viewer.get(f"/runs/{sharded}/figures/attempts.csv").text)))
    assert [row["attempt"] for row in rows] == [f"prepare[{number}]" for number in range(1, 11)]


def test_few_shards_are_drawn_each(stage: Stage, browser_as: Browser) -> None:
    run_id = stage.launch(stage.dataset(), shards=2)
    for number in (1, 2):
        stage.succeed(run_id, f"prepare[{number}]", {"share.json": b"{}"})
    stage.succeed(run_id, "prepare", {"snapshot.json": b"{}"})
    page = shown(browser_as("viewer"), f"/runs/{run_id}")
    assert page.said("#h-step") == "prepare"
    names = [row.all("td, th")[0].text for row in page.all("#fig-attempts tbody tr")]
    assert names == ["prepare[1]", "prepare[2]", "prepare"]
    card = page.all(".dag > li")[0]
    assert card.one(".pill").text == "Succeeded"
    assert "2 of 2 shards" in card.text


def test_the_list_of_runs_counts_a_step_in_shards_once(sharded: str, browser_as: Browser) -> None:
    page = shown(browser_as("viewer"), "/runs")
    assert len(page.all(f"#sp-{sharded} .mini i")) == 5
    assert "prepare, 2 failed, 7 of 12 shards" in page.one(f"#sp-{sharded}").text


def test_a_retry_says_how_many_shards_it_keeps(stage: Stage, browser_as: Browser) -> None:
    run_id = stage.launch(stage.dataset(), shards=5)
    for number in range(1, 5):
        stage.succeed(run_id, f"prepare[{number}]", {"share.json": b"{}"})
    stage.fail(run_id, "prepare[5]", "The disk is full.")
    editor = browser_as("editor")
    page = shown(editor, f"/runs/{run_id}")
    assert page.said("#retry summary") == "Retry from prepare[5]"
    asked = page.one("form[action$='/retry']").text
    assert "What 4 shards of prepare made stays as it is; prepare[5], prepare, train" in asked
    assert editor.post(f"/runs/{run_id}/retry").status_code == 303
    card = shown(editor, f"/runs/{run_id}").all(".dag > li")[0]
    assert card.one(".pill").text == "Waiting"
    assert "4 of 5 shards" in card.text


def test_how_long_a_step_usually_takes_is_not_measured_on_shards(stage: Stage) -> None:
    version = stage.dataset()
    for shards in (2, 1):
        with stage.services.works.reading() as work:
            assert "prepare" not in usual_step_times(work.session, ("review-classifier", "quick"))
        run_id = stage.launch(version, shards=shards)
        for number in range(1, shards + 1) if shards > 1 else ():
            stage.succeed(run_id, f"prepare[{number}]", {"share.json": b"{}"})
        stage.train(run_id)
    with stage.services.works.reading() as work:
        usual = usual_step_times(work.session, ("review-classifier", "quick"))
    assert {name: each.n for name, each in usual.items() if name in ("prepare", "train")} == {
        "prepare": 1,
        "train": 2,
    }
    assert not [name for name in usual if "[" in name]


def test_json_says_which_step_a_shard_is_part_of(sharded: str, browser_as: Browser) -> None:
    steps = browser_as("viewer").get(f"/api/v1/runs/{sharded}").json()["steps"]
    parts = [(step["name"], step["part_of"], step["shard"]) for step in steps]
    assert parts[:2] == [("prepare[1]", "prepare", 1), ("prepare[2]", "prepare", 2)]
    assert parts[12] == ("prepare", None, None)


def test_a_run_in_shards_is_started_by_its_parameter_and_cloned_with_it(
    stage: Stage, browser_as: Browser
) -> None:
    stage.dataset("clothing")
    editor = browser_as("editor")
    begun = editor.post("/api/v1/runs", json={"dataset": "clothing", "parameters": {"shards": 2}})
    assert begun.status_code == 201, begun.text
    assert [step["name"] for step in begun.json()["steps"]][:3] == ["prepare[1]", "prepare[2]", "prepare"]
    form = shown(editor, f"/launch?clone={begun.json()['id']}")
    assert form.one("[name='p.shards']")["value"] == "2"
    many = editor.post("/api/v1/runs", json={"dataset": "clothing", "parameters": {"shards": 65}})
    assert many.status_code == 422
    assert "between 1 and 64" in many.text
