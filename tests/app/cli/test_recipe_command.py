"""``fittingroom recipe`` against a server with fixed answers: what is sent, and what is printed."""

import json

from tests.app.cli.canned import serving
from tests.app.cli.test_command_line import fittingroom

QUICK = {"name": "quick", "summary": "Fast.", "values": {"epochs": 1}}
MINE = {
    "name": "mine",
    "summary": "Mine.",
    "values": {"epochs": 5},
    "owner": {"id": "usr_1", "name": "ed"},
    "row_version": 3,
}
LISTED = {
    "items": [
        {"pipeline": "dataset-import", "recipes": []},
        {"pipeline": "review-classifier", "recipes": [QUICK, MINE]},
    ]
}


def test_recipes_are_listed_with_those_who_saved_them() -> None:
    with serving({"GET /recipes": (200, LISTED)}) as server:
        done = fittingroom(server.url, "recipe", "ls")
        data = json.loads(fittingroom(server.url, "recipe", "ls", "-o", "json").stdout)
    lines = done.stdout.splitlines()
    assert lines[1].split()[:4] == ["quick", "comes", "along", "epochs=1"]
    assert lines[2].split()[:3] == ["mine", "ed", "epochs=5"]
    assert [one["name"] for one in data] == ["quick", "mine"]


def test_a_run_s_values_become_a_recipe_with_what_is_set_over_them() -> None:
    answers = {
        "GET /recipes": (200, LISTED),
        "GET /runs/7": (200, {"parameters": {"epochs": 2, "seed": 9}}),
        "POST /recipes": (201, MINE | {"name": "new"}),
    }
    with serving(answers) as server:
        done = fittingroom(server.url, "recipe", "save", "new", "--from", "7", "--param", "epochs=4")
        sent = json.loads(server.requests[-1][2])
    assert done.returncode == 0, done.stderr
    assert sent == {
        "name": "new",
        "pipeline": "review-classifier",
        "summary": "",
        "values": {"epochs": 4, "seed": 9},
    }


def test_changing_one_names_the_version_that_was_seen() -> None:
    with serving({"GET /recipes": (200, LISTED), "POST /recipes": (200, MINE)}) as server:
        done = fittingroom(server.url, "recipe", "save", "mine", "--param", "epochs=6", "--yes")
        sent = json.loads(server.requests[-1][2])
    assert done.returncode == 0, done.stderr
    assert (sent["row_version"], sent["summary"], sent["values"]) == (3, "Mine.", {"epochs": 6})


def test_a_recipe_is_deleted_by_its_name() -> None:
    with serving({"DELETE /recipes/mine": (204, b"")}) as server:
        done = fittingroom(server.url, "recipe", "delete", "mine", "--yes")
        asked = server.requests[-1][0]
    assert done.returncode == 0, done.stderr
    assert asked == "DELETE /api/v1/recipes/mine?pipeline=review-classifier"
