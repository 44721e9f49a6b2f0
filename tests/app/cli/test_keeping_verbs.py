"""The verbs that data sets, runs and models share: what is asked of the server, and what is printed."""

import json
from typing import Any

import pytest

from tests.app.cli.canned import serving
from tests.app.cli.test_command_line import fittingroom

SUBJECT: dict[str, Any] = {
    "id": "run_1",
    "kind": "run",
    "title": "Run #1",
    "tags": ["golden"],
    "note": {"text": "Keep this."},
    "archived_at": None,
    "used_by": {"items": [{"title": "shop v1"}], "total": 1},
    "deletable": False,
    "reasons": ["shop v1 was made from it."],
}
RUN = {"GET /runs/run_1": (200, {"id": "run_1"}), "GET /subjects/run_1": (200, SUBJECT)}


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("Best", "#v2"), ["best", "golden", "v2"]),
        (("golden", "--remove"), []),
    ],
)
def test_tags_are_added_and_taken_away(words: tuple[str, ...], sent: list[str]) -> None:
    tags = {"GET /subjects/run_1/tags": (200, {"tags": ["golden"]}), "PUT /subjects/run_1/tags": (200, {})}
    with serving({**RUN, **tags}) as server:
        done = fittingroom(server.url, "run", "tag", "run_1", *words)
    assert done.returncode == 0, done.stderr
    (put,) = [body for request, _, body in server.requests if request.startswith("PUT")]
    assert json.loads(put) == {"tags": sent}
    assert "shop v1" in done.stdout


def test_a_note_is_written_on_what_was_seen_and_may_come_from_a_pipe() -> None:
    answers = {
        "GET /datasets/spring/versions/2": (200, {"id": "dv_2"}),
        "GET /subjects/dv_2": (200, SUBJECT),
        "GET /subjects/dv_2/note": (200, {"text": "", "row_version": 4}),
        "PUT /subjects/dv_2/note": (200, {}),
    }
    with serving(answers) as server:
        done = fittingroom(server.url, "dataset", "note", "spring", "-", "--version", "2", stdin="Two\nlines")
    assert done.returncode == 0, done.stderr
    (put,) = [body for request, _, body in server.requests if request.startswith("PUT")]
    assert json.loads(put) == {"text": "Two\nlines", "row_version": 4}


@pytest.mark.parametrize(
    ("verb", "request_line"),
    [
        (("archive",), "POST /api/v1/subjects/md_1/archival"),
        (("restore",), "DELETE /api/v1/subjects/md_1/archival"),
        (("rename", "new name"), "PUT /api/v1/subjects/md_1/name"),
        (("delete", "--yes"), "DELETE /api/v1/subjects/md_1"),
    ],
)
def test_each_verb_is_one_request_about_the_id(verb: tuple[str, ...], request_line: str) -> None:
    answers = {
        "GET /models/shop": (200, {"id": "md_1"}),
        "GET /subjects/md_1": (200, SUBJECT),
        "POST /subjects/md_1/archival": (200, SUBJECT),
        "DELETE /subjects/md_1/archival": (200, SUBJECT),
        "PUT /subjects/md_1/name": (200, SUBJECT),
        "DELETE /subjects/md_1": (204, b""),
    }
    with serving(answers) as server:
        done = fittingroom(server.url, "model", verb[0], "shop", *verb[1:])
    assert done.returncode == 0, done.stderr
    assert [request for request, _, _ in server.requests][-1] == request_line


def test_what_stands_in_the_way_is_said() -> None:
    problem = {
        "title": "It can't be deleted now",
        "detail": "Run #1 can't be deleted. shop v1 was made from it.",
    }
    with serving({**RUN, "DELETE /subjects/run_1": (409, problem)}) as server:
        done = fittingroom(server.url, "run", "delete", "run_1", "--yes")
    assert done.returncode == 1
    assert "shop v1 was made from it." in done.stderr
