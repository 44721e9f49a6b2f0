"""Recipes that people save: used wherever a recipe can be named, changed by those whose they are."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.runs.tables import Run
from tests.app.runs.staging import Stage
from tests.app.runs.test_pages_launch import launch_form
from tests.reading import Page, shown

Browser = Callable[..., TestClient]
OWN = {"name": "long-reviews", "summary": "For long texts.", "values": {"epochs": 2, "max_seq_length": 256}}


def run_at(services: Services, address: str) -> Run:
    with services.works.reading() as work:
        return work.session.get_one(Run, address.removeprefix("/runs/"))


def test_a_saved_recipe_starts_runs_over_rest_as_those_that_come_along(
    stage: Stage, as_role: Browser
) -> None:
    stage.dataset()
    editor = as_role("editor", "ed")
    saved = editor.post("/api/v1/recipes", json=OWN)
    assert saved.status_code == 201, saved.text
    assert saved.json()["owner"]["name"] == "ed"
    run = editor.post("/api/v1/runs", json={"dataset": "clothing", "recipe": "long-reviews"}).json()
    assert (run["recipe"], run["parameters"]["epochs"], run["parameters"]["max_seq_length"]) == (
        "long-reviews",
        2,
        256,
    )
    listed = as_role("viewer").get("/api/v1/recipes").json()["items"]
    names = [one["name"] for item in listed for one in item["recipes"]]
    assert names == ["quick", "standard", "best", "labs", "long-reviews"]
    assert editor.get("/api/v1/recipes/long-reviews").json()["summary"] == "For long texts."
    assert editor.get("/api/v1/recipes/quick").json()["values"]["epochs"] == 1


def test_what_equals_the_default_is_not_part_of_a_recipe(as_role: Browser) -> None:
    body = OWN | {"values": {"epochs": "3", "dropout": 0.25}}
    assert as_role("editor").post("/api/v1/recipes", json=body).json()["values"] == {"dropout": 0.25}


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"name": "quick"}, 409, "already"),
        ({"name": "no spaces"}, 422, "can't name a recipe"),
        ({"values": {"epochs": 0}}, 422, "between 1 and 100"),
        ({"values": {"epoch": 1}}, 422, "Did you mean epochs?"),
        ({"values": {"train_split_percentage": 0.5}}, 422, "add up to 1"),
        ({"pipeline": "dataset-import"}, 422, "takes no recipes"),
        ({"owner": "me"}, 422, "owner"),
    ],
)
def test_what_can_be_no_recipe_is_refused(
    as_role: Browser, changes: dict[str, object], status: int, says: str
) -> None:
    answer = as_role("editor").post("/api/v1/recipes", json=OWN | changes)
    assert answer.status_code == status
    assert says in answer.text


def test_a_name_is_given_once_whatever_its_case(as_role: Browser) -> None:
    editor = as_role("editor")
    assert editor.post("/api/v1/recipes", json=OWN).status_code == 201
    assert editor.post("/api/v1/recipes", json=OWN | {"name": "Long-Reviews"}).status_code == 409


def test_a_change_on_an_older_sight_is_refused(as_role: Browser) -> None:
    editor = as_role("editor")
    editor.post("/api/v1/recipes", json=OWN)
    change = OWN | {"values": {"epochs": 5}, "row_version": 1}
    changed = editor.post("/api/v1/recipes", json=change)
    assert (changed.status_code, changed.json()["row_version"], changed.json()["values"]) == (
        200,
        2,
        {"epochs": 5},
    )
    assert editor.post("/api/v1/recipes", json=change).status_code == 409


def test_only_the_owner_and_administrators_change_and_delete(as_role: Browser) -> None:
    owner, other, admin = as_role("editor", "ed"), as_role("editor", "eve"), as_role("admin")
    owner.post("/api/v1/recipes", json=OWN)
    assert other.post("/api/v1/recipes", json=OWN | {"row_version": 1}).status_code == 403
    assert other.delete("/api/v1/recipes/long-reviews").status_code == 403
    assert admin.post("/api/v1/recipes", json=OWN | {"row_version": 1}).status_code == 200
    assert as_role("viewer").post("/api/v1/recipes", json=OWN).status_code == 403
    assert owner.delete("/api/v1/recipes/long-reviews").status_code == 204
    assert owner.get("/api/v1/recipes/long-reviews").status_code == 404
    assert "stays as it is" in owner.delete("/api/v1/recipes/quick").text


def test_the_launch_form_saves_what_it_shows_and_offers_it_by_address(
    stage: Stage, browser_as: Browser, services: Services
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch?recipe=best")) | {
        "p.epochs": "7",
        "name": "mine",
        "summary": "Seven passes.",
    }
    answer = editor.post("/recipes", data=sent)
    assert answer.headers["location"].startswith("/launch?recipe=mine")
    page = shown(browser_as("editor", "eve"), "/launch?recipe=mine")
    again = launch_form(page)
    assert (again["recipe"], again["p.epochs"], again["p.max_seq_length"]) == ("mine", "7", "160")
    assert not page.all(".changed")
    assert "by ed" in page.said(".recipes")
    assert not page.all("button[formaction=/recipes/mine]")
    run = run_at(services, editor.post("/runs", data=again).headers["location"])
    assert (run.recipe, run.parameters["epochs"]) == ("mine", 7)


def test_the_owner_changes_and_deletes_it_there(stage: Stage, browser_as: Browser) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    editor.post("/recipes", data=launch_form(shown(editor, "/launch")) | {"name": "mine"})
    page = shown(editor, "/launch?recipe=mine")
    sent = launch_form(page) | {"p.epochs": "9"}
    assert editor.post("/recipes/mine", data=sent).status_code == 303
    assert launch_form(shown(editor, "/launch?recipe=mine"))["p.epochs"] == "9"
    assert editor.post("/recipes/mine", data=sent).status_code == 409
    pipeline = shown(editor, "/pipelines/review-classifier")
    form = pipeline.one("form[action=/recipes/mine/deletion]")
    assert editor.post(form["action"], data={"pipeline": "review-classifier"}).status_code == 303
    assert "mine" not in shown(editor, "/launch").said(".recipes")


def test_a_bad_name_stands_beside_its_field_and_all_that_was_typed_stays(
    stage: Stage, browser_as: Browser
) -> None:
    stage.dataset()
    editor = browser_as("editor", "ed")
    sent = launch_form(shown(editor, "/launch")) | {"p.epochs": "7", "name": "quick", "summary": "Mine."}
    answer = editor.post("/recipes", data=sent)
    assert answer.status_code == 409
    page = Page(answer.text)
    assert "already" in page.said("[id=f-name-error]")
    assert launch_form(page) == sent
    answer = editor.post("/recipes", data=sent | {"name": "mine", "p.epochs": "700"})
    assert answer.status_code == 422
    assert "between 1 and 100" in Page(answer.text).said("[id=f-p.epochs-error]")
