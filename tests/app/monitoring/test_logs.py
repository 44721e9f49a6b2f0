"""The log: JSON lines that say what they are about, and nothing that is private."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.logs import configure_logs
from app.core.services import Services
from tests.conftest import PASSWORD
from tests.programs.installation import Inbox, Toys, toy_services

REVIEW = "the zipper broke on a tuesday"


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """What was logged since the last call; each line must be an object with a time and a level."""

    def read() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert all({"event", "level", "timestamp"} <= line.keys() for line in lines), lines
        return lines

    return read


def test_a_request_is_one_line_with_who_and_which(
    as_role: Callable[..., TestClient], logged: Callable[[], list[dict[str, Any]]]
) -> None:
    client = as_role("viewer")
    configure_logs()
    answer = client.get("/api/v1/runs/run_1")
    (line,) = [each for each in logged() if each["event"] == "request"]
    assert line["route"] == "/api/v1/runs/{run_id}"
    assert (line["method"], line["status"], line["run_id"]) == ("GET", 404, "run_1")
    assert line["request_id"] == answer.headers["x-request-id"] == answer.json()["request_id"]
    assert line["actor_id"].startswith("usr_")
    assert line["ms"] >= 0
    assert client.get("/livez").status_code == 200
    assert logged() == [], "who asks for health every second fills no log"


def test_nothing_private_is_in_the_log_of_a_whole_flow(
    connect: Callable[[], TestClient],
    person: Callable[..., Any],
    as_role: Callable[..., TestClient],
    capsys: pytest.CaptureFixture[str],
) -> None:
    person("editor", "anna")
    editor = as_role("editor")
    secret = editor.headers["Authorization"].split()[1]
    configure_logs("debug")
    browser = connect()
    browser.post("/login", data={"name": "anna", "password": "a wrong secret word"})
    browser.post("/login", data={"name": "anna", "password": PASSWORD})
    cookie = next(iter(browser.cookies.values()))
    csv = f"text,rating\n{REVIEW},1\n".encode()
    editor.post("/api/v1/datasets", data={"name": "private"}, files={"file": ("secret-name.csv", csv)})
    browser.get("/search?q=a+very+private+search")
    browser.post("/predict/shop", data={"text": REVIEW})
    editor.post("/api/v1/endpoints/shop/predict", json={"inputs": [REVIEW]})
    made = editor.post("/api/v1/tokens", json={"name": "x", "role": "viewer"}).json()["token"]
    told = capsys.readouterr().err
    assert told.count('"event": "request"') >= 7
    for private in (
        PASSWORD,
        "wrong secret",
        secret,
        cookie,
        made,
        REVIEW,
        "private+search",
        "private search",
    ):
        assert private not in told
    assert "secret-name" not in told


def test_what_a_worker_logs_says_which_run_and_step(
    services: Services, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    inbox = Inbox()
    toys = Toys(toy_services(services, inbox), inbox)
    configure_logs()
    run_id = toys.launch(model="broken")
    toys.deliver()
    (line,) = [each for each in logged() if each["event"] == "step_failed_unexpectedly"]
    assert line["run_id"] == run_id
    assert line["step_id"].startswith("step_")
    assert line["worker"] == "here"
    assert "ZeroDivisionError" in line["exception"]


def test_lines_of_libraries_are_json_too_and_their_text_forges_nothing(
    logged: Callable[[], list[dict[str, Any]]],
) -> None:
    configure_logs()
    logging.getLogger("kombu").warning('gone\n{"event": "request"}')
    (line,) = logged()
    assert line["event"] == "library"
    assert line["logger"] == "kombu"
    assert line["message"].startswith("gone\n")


def test_the_level_is_a_setting(logged: Callable[[], list[dict[str, Any]]], client: TestClient) -> None:
    configure_logs("error")
    client.get("/login")
    logging.getLogger("celery").warning("not now")
    assert logged() == []
