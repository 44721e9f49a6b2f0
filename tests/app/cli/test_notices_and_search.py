"""The commands that tell a person what happened, and find things, against a server with fixed answers."""

from typing import Any

from tests.app.cli.canned import serving
from tests.app.cli.test_command_line import fittingroom

NOTICE: dict[str, Any] = {
    "id": "ntc_1",
    "kind": "run_failed",
    "title": "Run #5 on clothing v1 failed",
    "text": "No text column.",
    "subject_id": "run_5",
    "url": "/runs/run_5",
    "at": "2026-11-22T10:00:00+00:00",
    "read_at": None,
}


def _page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "total": len(items), "next": None}


def test_unread_notices_are_listed_and_marked_only_where_that_is_asked() -> None:
    answers = {"GET /notices": (200, _page(NOTICE)), "POST /notices/reading": (200, {"read": 1})}
    with serving(answers) as server:
        done = fittingroom(server.url, "notices")
        assert "Run #5 on clothing v1 failed" in done.stdout
        assert [request[0] for request in server.requests] == ["GET /api/v1/notices?unread=true"]
        fittingroom(server.url, "notices", "--all", "--mark-read")
    assert [request[0] for request in server.requests[1:]] == [
        "GET /api/v1/notices",
        "POST /api/v1/notices/reading",
    ]


def test_search_sends_the_words_as_they_are() -> None:
    found = {"kind": "run", "id": "run_5", "title": "Run #5", "text": "failed", "url": "/runs/run_5"}
    with serving({"GET /search": (200, _page(found))}) as server:
        done = fittingroom(server.url, "search", "a & b", "-o", "csv")
    assert server.requests[0][0] == "GET /api/v1/search?q=a+%26+b"
    assert done.stdout.splitlines() == ["kind,title,text,id", "run,Run #5,failed,run_5"]
