"""The pages about pipelines: what there is, what it is made of, what it takes."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from ml.pipeline.catalogue import PIPELINES
from tests.app.runs.staging import Stage
from tests.reading import shown

Browser = Callable[..., TestClient]
CLASSIFIER = PIPELINES["review-classifier"]


def test_every_pipeline_is_listed_with_the_way_to_its_runs(stage: Stage, browser_as: Browser) -> None:
    stage.launch(stage.dataset())
    viewer = browser_as("viewer")
    rows = {row.one("td a").text: row for row in shown(viewer, "/pipelines").all("tbody tr")}
    assert set(rows) == set(PIPELINES)
    link = rows["review-classifier"].one("a[href^=/runs]")
    assert (link.text, link["href"]) == ("1", "/runs?pipeline=review-classifier")
    listed = viewer.get("/pipelines.json").json()["items"]
    assert [item["pipeline"] for item in listed] == list(PIPELINES)


def test_steps_parameters_and_recipes_are_all_there(browser_as: Browser) -> None:
    page = shown(browser_as("viewer"), "/pipelines/review-classifier")
    assert [node.one("h3").text.split()[0] for node in page.all(".dag li")] == [
        step.name for step in CLASSIFIER.steps
    ]
    assert "accuracy ≥ min_accuracy_value" in page.said(".dag")
    rows = {row.one("th code").text: row for row in page.all("tbody tr") if row.all("th code")}
    assert set(rows) == {one.name for one in CLASSIFIER.parameters}
    epochs = [cell.text for cell in rows["epochs"].all("td")]
    assert epochs == ["1 to 100.", "3", "1", "same", "same", "same", "train"]
    assert page.said("h2#h-rec") == "Recipes"
    assert page.said(".empty strong") == "No run yet"
    assert not page.all("a[href^=/launch]")


def test_medians_and_latest_runs_stand_beside_the_drawing(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    for _ in range(2):
        stage.train(stage.launch(version, recipe="standard"))
    page = shown(browser_as("editor", "ed"), "/pipelines/review-classifier")
    assert "median of 2 of standard" in page.all(".dag li")[1].text
    assert "median of 2 runs" in page.one("a[href=/launch?recipe=standard]").parent.parent.text  # type: ignore[union-attr]
    assert len(page.all("a[href^=/runs/run_]")) == 2


def test_an_unknown_pipeline_is_told_with_those_there_are(browser_as: Browser) -> None:
    answer = browser_as("viewer").get("/pipelines/nothing")
    assert answer.status_code == 404
    assert "review-classifier" in answer.text


def test_a_pipeline_without_recipes_has_a_page_too(browser_as: Browser) -> None:
    page = shown(browser_as("viewer"), "/pipelines/dataset-import")
    assert [node.one("h3").text.split()[0] for node in page.all(".dag li")] == ["import", "publish"]
    assert not page.all("h2#h-rec")
