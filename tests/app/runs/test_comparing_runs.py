"""Runs beside each other: figures with paired differences, curves together, and what made them differ."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.runs import caching, queries
from app.runs.caching import Lookup
from app.runs.leases import Ending
from app.runs.states import AttemptStatus, StepState
from tests.app.runs.staging import LABELS, Stage, evaluation, metric
from tests.reading import Node, shown

Browser = Callable[..., TestClient]
TRUTH = [LABELS[place % 3] for place in range(300)]


def right_until(count: int) -> list[str]:
    """Answers of which the first ``count`` are right and all others wrong."""
    return [*TRUTH[:count], *(LABELS[(LABELS.index(each) + 1) % 3] for each in TRUTH[count:])]


def parquet(answers: Sequence[str], prefix: str = "r") -> bytes:
    ids = [f"{prefix}{place}" for place in range(len(answers))]
    table = pa.table({"review_id": ids, "label": TRUTH[: len(answers)], "predicted": list(answers)})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


@pytest.fixture
def measured(stage: Stage) -> Callable[..., str]:
    """``measured(version, 250, macro_f1=0.8, epochs=2)``: a run with those answers, figure and parameters."""

    def finished(
        version: str, right: int, macro_f1: float, *, prefix: str = "r", recipe: str = "quick", **values: Any
    ) -> str:
        run_id = stage.launch(version, recipe=recipe, **values)
        stage.succeed(run_id, "prepare", {"snapshot.json": b"{}"})
        lease = stage.claim(run_id, "train")
        stage.measure(
            lease, train_loss=[(1, 1.0), (2, 0.5)], val_loss=[(2, 0.6)], val_macro_f1=[(2, macro_f1)]
        )
        model = stage.tree({"model/spec.json": b"{}"})
        stage.finish(lease, Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, artifact=model))
        found = evaluation()
        found["metrics"]["macro_f1"] = metric(macro_f1, n=300)
        files = {
            "evaluation.json": json.dumps(found).encode(),
            "predictions.parquet": parquet(right_until(right), prefix),
        }
        stage.succeed(run_id, "evaluate", files)
        stage.succeed(run_id, "gate", passed=False, reasons=["not enough"], checks=[])
        return run_id

    return finished


def row_of(page: Node, name: str) -> list[str]:
    head = next(each for each in page.all("tbody th") if each.text.startswith(name))
    assert head.parent is not None
    return [cell.text for cell in head.parent.all("td")]


def test_the_best_is_marked_and_a_sure_difference_told_from_chance(
    stage: Stage, measured: Callable[..., str], browser_as: Browser
) -> None:
    version = stage.dataset()
    measured(version, 150, 0.5)
    measured(version, 152, 0.507)
    measured(version, 290, 0.966)
    page = shown(browser_as("viewer"), "/runs/compare?ids=1,2,3")
    first, near, far = row_of(page, "Macro-F1")
    assert first.startswith(".500")
    assert "may be chance" in near
    assert far.startswith("best .966")
    assert "+.467" in far
    assert "chance" not in far
    assert "#3 quick has the highest macro-F1, .966: +.467 to #1 quick." in page.said(".lede")
    assert not page.all(".notice.warn")


def test_other_test_reviews_are_warned_of_and_nothing_is_called_best(
    stage: Stage, measured: Callable[..., str], browser_as: Browser
) -> None:
    measured(stage.dataset("clothing"), 150, 0.5)
    measured(stage.dataset("shoes"), 290, 0.966, prefix="s")
    page = shown(browser_as("viewer"), "/runs/compare?ids=1,2")
    assert "can't be compared" in page.said(".notice.warn")
    assert not page.all(".tag")
    assert row_of(page, "Macro-F1")[1] == ".966 .946–.986"


def test_reviews_in_common_carry_the_difference_where_most_are(
    stage: Stage, measured: Callable[..., str], browser_as: Browser
) -> None:
    version = stage.dataset()
    measured(version, 150, 0.5)
    run_id = stage.launch(version)
    stage.succeed(run_id, "prepare", {"snapshot.json": b"{}"})
    stage.succeed(run_id, "train", {"model/spec.json": b"{}"})
    files = {
        "evaluation.json": json.dumps(evaluation()).encode(),
        "predictions.parquet": parquet(right_until(290)[:200]),
    }
    stage.succeed(run_id, "evaluate", files)
    page = shown(browser_as("viewer"), "/runs/compare?ids=1,2")
    assert "measured on the 200 that both have" in page.said(".notice.warn")
    assert "+.250" in row_of(page, "Accuracy")[1]


def test_only_differences_are_shown_until_all_is_asked_for(
    stage: Stage, measured: Callable[..., str], browser_as: Browser
) -> None:
    version = stage.dataset()
    measured(version, 150, 0.5, epochs=1)
    measured(version, 200, 0.6, epochs=4)
    viewer = browser_as("viewer")
    page = shown(viewer, "/runs/compare?ids=1,2")
    assert row_of(page, "epochs") == ["1", "4"]
    names = [head.text for head in page.all("tbody th code")]
    assert names == ["epochs"]
    everything = shown(viewer, page.one(".more a[href*=diff]")["href"])
    assert row_of(everything, "seed") == ["42", "42"]
    assert row_of(everything, "data set") == ["clothing v1", "clothing v1"]


def test_curves_stand_in_one_figure_a_colour_a_run_and_are_a_file(
    stage: Stage, measured: Callable[..., str], browser_as: Browser
) -> None:
    version = stage.dataset()
    measured(version, 150, 0.5)
    measured(version, 290, 0.7)
    viewer = browser_as("viewer")
    page = shown(viewer, "/runs/compare?ids=1,2")
    figure = page.one("#fig-loss")
    assert {"s1", "s2"} <= {word for each in figure.all(".key path") for word in each["class"].split()}
    assert [key.text for key in figure.all(".key > span")] == [
        "#1 quick",
        "#1 quick, validation",
        "#2 quick",
        "#2 quick, validation",
    ]
    assert (
        page.said("#fig-macro-f1 strong")
        == "The highest macro-F1 on the validation part is that of #2 quick, .700"
    )
    answer = viewer.get(figure.one("a[href*=figures]")["href"])
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) == 3
    assert viewer.get("/runs/compare/figures/nothing.csv?ids=1").status_code == 404


def test_time_is_shown_by_step_and_what_came_from_the_cache_as_such(
    stage: Stage, measured: Callable[..., str], browser_as: Browser
) -> None:
    version = stage.dataset()
    measured(version, 150, 0.5)
    measured(version, 160, 0.5)
    page = shown(browser_as("viewer"), "/runs/compare?ids=1,2")
    assert len(page.all("td .meter")) >= 6
    assert [len(row_of(page, name)) for name in ("prepare", "train", "evaluate")] == [2, 2, 2]


def test_runs_are_added_and_left_out_by_the_address(
    stage: Stage, measured: Callable[..., str], browser_as: Browser
) -> None:
    version = stage.dataset()
    first, second = (measured(version, 150, 0.5) for _ in range(2))
    viewer = browser_as("viewer")
    empty = shown(viewer, "/runs/compare")
    assert empty.said(".empty strong") == "No run is chosen"
    single = shown(viewer, f"/runs/compare?ids={first}")
    assert single.one(".filters.mt3 a.chip")["href"] == "/runs/compare?ids=1,2"
    both = shown(viewer, f"/runs/compare?ids={first}&ids={second}&ids={first}&ids=77&ids=")
    assert [chip.text for chip in both.all(".chip.on")] == [
        "#1 quick , leave it out",
        "#2 quick , leave it out",
    ]
    assert both.one(".chip.on")["href"] == "/runs/compare?ids=2"
    assert both.said(".notice.warn") == "There is no run 77."
    assert "/runs/compare?ids=2,1" in [link["href"] for link in both.all("thead a")]


def test_more_than_eight_are_not_compared_at_once(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    for _ in range(10):
        stage.launch(version)
    ids = ",".join(str(number) for number in range(1, 11))
    page = shown(browser_as("viewer"), f"/runs/compare?ids={ids}")
    assert len(page.all(".chip.on")) == 8
    assert "2 were left out" in page.said(".notice.warn")
    assert not page.all("input[name=ids][list]")


def test_the_table_is_a_file(stage: Stage, measured: Callable[..., str], browser_as: Browser) -> None:
    version = stage.dataset()
    measured(version, 150, 0.5)
    measured(version, 290, 0.966)
    found = browser_as("viewer").get("/runs/compare.json?ids=1,2").json()["items"]
    row = next(each for each in found if (each["run"], each["figure"]) == (2, "macro_f1"))
    assert (row["value"], row["n"], row["common_reviews"], row["best"]) == (0.966, 300, 300, True)
    assert row["difference_low"] < row["difference"] < row["difference_high"]


def test_a_step_from_the_cache_shows_the_curves_of_the_run_that_computed_it(
    stage: Stage, measured: Callable[..., str], services: Services, browser_as: Browser
) -> None:
    version = stage.dataset()
    first = measured(version, 150, 0.5)
    again = stage.launch(version, min_accuracy_value=0.5)
    with services.works.writing() as work:
        steps = queries.steps_of_runs(work.session, [first, again])
    for place, name in enumerate(("prepare", "train")):
        with services.works.writing() as work:
            found = Lookup({}, str(place) * 64, steps[first][place], "the same")
            waiting = next(one for one in queries.steps_of(work.session, again) if one.name == name)
            assert caching.take_from_cache(work, services, waiting, found)
    page = shown(browser_as("viewer"), "/runs/compare?ids=1,2")
    assert len(page.all("#fig-loss .key > span")) == 4
    assert row_of(page.one("section[aria-labelledby=h-t]"), "train")[1] == "from the cache"
