"""The launch form, as a browser without scripts uses it."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.runs.tables import Run
from ml.pipeline.catalogue import PIPELINES
from tests.app.runs.staging import Stage
from tests.reading import Node, Page, shown

Browser = Callable[..., TestClient]
CLASSIFIER = PIPELINES["review-classifier"]


def filled(form: Node) -> dict[str, str]:
    """What a browser would send of the form as it stands."""
    unticked = [node for node in form.all("input[type=radio]") if "checked" not in node.attributes]
    inputs = [node for node in form.all("input[name]") if node not in unticked]
    values = {node["name"]: node.attributes.get("value", "") for node in inputs}
    for node in form.all("select[name]"):
        chosen = [option for option in node.all("option") if "selected" in option.attributes]
        values[node["name"]] = (chosen or node.all("option"))[0]["value"]
    return values


def launch_form(page: Page) -> dict[str, str]:
    return filled(page.one("form[method=post][action=/runs]"))


def test_without_a_data_set_the_page_leads_to_the_upload(browser_as: Browser) -> None:
    page = shown(browser_as("editor", "ed"), "/launch")
    assert page.said(".empty strong") == "No data set is ready"
    assert page.one(".empty a")["href"] == "/datasets/new"


def test_the_form_offers_every_parameter_with_the_recipes_value(stage: Stage, browser_as: Browser) -> None:
    stage.dataset()
    page = shown(browser_as("editor", "ed"), "/launch")
    sent = launch_form(page)
    assert {name for name in sent if name.startswith("p.")} == {
        f"p.{one.name}" for one in CLASSIFIER.parameters
    }
    assert sent["recipe"] == CLASSIFIER.default_recipe
    described = {label["for"] for label in page.all(".field label")}
    assert {f"f-p.{one.name}" for one in CLASSIFIER.parameters} <= described
    assert [head.text for head in page.all("main h2")][2:] == list(
        dict.fromkeys(one.group for one in CLASSIFIER.parameters)
    )


@pytest.mark.parametrize("recipe", [recipe.name for recipe in CLASSIFIER.recipes])
def test_a_recipe_sent_as_it_stands_runs_with_exactly_its_values(
    stage: Stage, browser_as: Browser, services: Services, recipe: str
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    answer = editor.post("/runs", data=launch_form(shown(editor, f"/launch?recipe={recipe}")))
    assert answer.status_code == 303, answer.text
    run = started(services, answer.headers["location"])
    usual = {
        one.name: CLASSIFIER.recipe(recipe).values.get(one.name, one.default) for one in CLASSIFIER.parameters
    }
    assert (run.recipe, run.parameters) == (recipe, usual)
    assert run.model == "clothing"


def test_what_was_changed_reaches_the_run_and_is_marked_on_the_way(
    stage: Stage, browser_as: Browser, services: Services
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch?recipe=quick&p.epochs=2&p.seed=7&model=fit"))
    assert (sent["p.epochs"], sent["p.seed"], sent["model"]) == ("2", "7", "fit")
    page = shown(editor, "/launch?recipe=quick&p.epochs=2&p.seed=7")
    assert len(page.all(".changed")) == 2
    run = started(services, editor.post("/runs", data=sent).headers["location"])
    assert (run.parameters["epochs"], run.parameters["seed"], run.model) == (2, 7, "fit")


def test_a_refused_value_keeps_the_input_and_stands_beside_its_field(
    stage: Stage, browser_as: Browser
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch")) | {
        "p.epochs": "1000",
        "p.learning_rate": "fast",
        "model": "fit",
    }
    answer = editor.post("/runs", data=sent)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert {node["id"]: node["value"] for node in page.all(".wrong input")} == {
        "f-p.epochs": "1000",
        "f-p.learning_rate": "fast",
    }
    assert "between 1 and 100" in page.said("[id=f-p.epochs-error]")
    assert page.said(".notice.bad") == "2 of the values can't be used."
    assert launch_form(page) == sent


@pytest.mark.parametrize(
    ("changed", "said"), [({"dataset": "dv_nothing"}, "Choose a data set"), ({"model": "../x"}, "model")]
)
def test_what_is_wrong_with_the_whole_is_said_above(
    stage: Stage, browser_as: Browser, changed: dict[str, str], said: str
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    answer = editor.post("/runs", data=launch_form(shown(editor, "/launch")) | changed)
    assert answer.status_code == 422
    assert said in Page(answer.text).said(".notice.bad")


def test_a_form_sent_twice_starts_one_run(stage: Stage, browser_as: Browser) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch"))
    addresses = {editor.post("/runs", data=sent).headers["location"] for _ in range(2)}
    assert len(addresses) == 1


def test_a_clone_has_everything_as_it_was(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    before = stage.launch(version, recipe="best", seed=7, epochs=2)
    page = shown(browser_as("editor", "ed"), f"/launch?clone={before}")
    sent = launch_form(page)
    assert (sent["dataset"], sent["recipe"], sent["p.seed"], sent["p.epochs"]) == (version, "best", "7", "2")
    assert "values of run #1" in page.said(".notice")


def test_a_data_set_is_chosen_by_its_name_too(stage: Stage, browser_as: Browser) -> None:
    stage.dataset("aprons")
    shoes = stage.dataset("shoes")
    page = shown(browser_as("editor", "ed"), "/launch?dataset=shoes")
    assert launch_form(page)["dataset"] == shoes


def test_a_viewer_may_not_launch(stage: Stage, browser_as: Browser) -> None:
    stage.dataset()
    viewer = browser_as("viewer")
    assert viewer.get("/launch").status_code == 403
    assert viewer.post("/runs", data={}).status_code == 403


def started(services: Services, address: str) -> Run:
    with services.works.reading() as work:
        return work.session.get_one(Run, address.removeprefix("/runs/"))


def test_a_recipe_chosen_without_showing_it_first_is_the_one_that_runs(
    stage: Stage, browser_as: Browser, services: Services
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch?recipe=quick")) | {"recipe": "best", "p.seed": "7"}
    run = started(services, editor.post("/runs", data=sent).headers["location"])
    best = {
        one.name: CLASSIFIER.recipe("best").values.get(one.name, one.default) for one in CLASSIFIER.parameters
    }
    assert (run.recipe, run.parameters) == ("best", best | {"seed": 7})


def test_showing_another_recipe_keeps_what_was_changed_by_hand(stage: Stage, browser_as: Browser) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch?recipe=quick")) | {
        "recipe": "best",
        "p.seed": "7",
        "model": "fit",
    }
    del sent["key"]
    answer = editor.get("/launch", params=sent)
    again = launch_form(Page(answer.text))
    assert (again["p.seed"], again["model"], again["applied"]) == ("7", "fit", "best")
    assert again["p.max_seq_length"] == str(CLASSIFIER.recipe("best").values["max_seq_length"])


def test_every_parameter_says_its_range_and_default_and_advanced_ones_are_folded(
    stage: Stage, browser_as: Browser
) -> None:
    stage.dataset()
    page = shown(browser_as("editor", "ed"), "/launch")
    assert page.said("[id=f-p.epochs-hint]").endswith("1 to 100. Default 3.")
    folded = {
        node["name"].removeprefix("p.") for fold in page.all("section .fold") for node in fold.all("[name]")
    }
    assert folded == {one.name for one in CLASSIFIER.parameters if one.advanced} | {"priority"}
    assert not [fold for fold in page.all("section .fold") if "open" in fold.attributes]
    changed = shown(browser_as("editor", "eve"), "/launch?p.weight_decay=0.2")
    assert [
        fold.one("summary").text for fold in changed.all("section .fold") if "open" in fold.attributes
    ] == ["15 advanced 1 changed"]


def test_a_changed_value_is_marked_and_can_be_reset_alone_or_with_all(
    stage: Stage, browser_as: Browser
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    page = shown(editor, "/launch?recipe=quick&p.epochs=9&p.seed=7")
    assert [each.one("label").text for each in page.all(".changed")] == ["seed", "epochs"]
    assert "Changed from the recipe's 1." in page.all(".changed")[1].text
    sent = launch_form(page)
    one = Page(editor.get("/launch", params=sent | {"reset": "epochs"}).text)
    assert (launch_form(one)["p.epochs"], launch_form(one)["p.seed"]) == ("1", "7")
    whole = Page(editor.get("/launch", params=sent | {"reset": "all"}).text)
    assert (launch_form(whole)["p.epochs"], launch_form(whole)["p.seed"]) == ("1", "42")


def test_a_clone_is_marked_field_by_field_against_its_run(stage: Stage, browser_as: Browser) -> None:
    before = stage.launch(stage.dataset(), recipe="quick", seed=7)
    editor = browser_as("editor", "ed")
    page = shown(editor, f"/launch?clone={before}")
    assert "Run #1 had" not in page.text
    sent = launch_form(page) | {"p.epochs": "4"}
    again = Page(editor.get("/launch", params=sent).text)
    assert "Run #1 had 1." in again.text
    assert "Run #1 had 42" not in again.text
    assert launch_form(again)["clone"] == before


def test_places_that_cannot_be_chosen_say_why(stage: Stage, browser_as: Browser) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    choices = {each.one("input")["value"]: each for each in shown(editor, "/launch").all("fieldset label")}
    assert "disabled" not in choices["auto"].one("input").attributes
    assert "No worker is alive" in choices["auto"].text
    assert "disabled" in choices["gpu"].one("input").attributes
    assert "no worker with a GPU" in choices["gpu"].text
    assert "not set up on this installation" in choices["sagemaker"].text
    stage.worker("cpu", "io")
    page = shown(editor, "/launch")
    assert "One worker serves cpu, io." in page.text
    assert page.all(".notice.warn") == []  # a run that may choose makes do without a card
    alone = shown(editor, "/launch?device=gpu")
    assert "No worker serves the queue gpu" in alone.said(".notice.warn")


def test_a_gpu_can_be_chosen_once_a_worker_has_one(
    stage: Stage, browser_as: Browser, services: Services
) -> None:
    stage.dataset()
    stage.worker("cpu", "gpu", "io", devices=["0", "1"])
    editor = browser_as("editor", "ed")
    page = shown(editor, "/launch")
    choices = {each.one("input")["value"]: each for each in page.all("fieldset label")}
    assert "disabled" not in choices["gpu"].one("input").attributes
    assert "There are 2 cards." in choices["gpu"].text
    sent = launch_form(page) | {"device": "gpu", "priority": "high"}
    again = Page(editor.get("/launch", params=sent).text)
    assert "--priority high" in again.text
    run_id = editor.post("/runs", data=sent).headers["location"].removeprefix("/runs/")
    with services.works.reading() as work:
        run = work.session.get_one(Run, run_id)
    assert (run.device, run.priority) == ("gpu", 1)


def test_time_and_rows_are_estimated_before_the_launch(
    stage: Stage, browser_as: Browser, services: Services
) -> None:
    version = stage.dataset(rows=20_000)
    editor = browser_as("editor", "ed")
    facts = shown(editor, "/launch?recipe=quick").said("dl.stats")
    assert "Expected time unknown no earlier run of quick" in facts
    assert "Reviews 20,000 clothing v1" in facts
    assert "about 18,000 to train 1,000 to validate, 1,000 to test; a sample of 9000" in facts
    stage.train(stage.launch(version))
    again = shown(editor, "/launch?recipe=quick")
    assert "median of one run of quick" in again.said("dl.stats")
    assert "no earlier run" in again.said(".recipes")


def test_a_script_gets_the_form_alone_with_an_address_to_pass_on(stage: Stage, browser_as: Browser) -> None:
    version = stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch?recipe=quick")) | {"recipe": "best", "p.seed": "7"}
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    answer = editor.get("/launch", params=sent, headers=headers)
    assert answer.headers["hx-push-url"] == f"/launch?recipe=best&dataset={version}&p.seed=7"
    assert not Page(answer.text).all("h1")
    again = shown(editor, answer.headers["hx-push-url"])
    assert (launch_form(again)["recipe"], launch_form(again)["p.seed"]) == ("best", "7")
