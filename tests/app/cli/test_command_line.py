"""The program as a user starts it, against a server with fixed answers: output, exit codes, what is sent."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.app.cli.canned import serving

PROGRAM = Path(sys.executable).with_name("fittingroom")
RUN: dict[str, Any] = {
    "id": "run_1",
    "pipeline": "review-classifier",
    "recipe": "quick",
    "status": "succeeded",
    "dataset": {"name": "shop", "version": 2},
    "steps": [{"name": "train", "status": "succeeded", "attempts": 1, "cached": False, "seconds": 2.5}],
    "gate": {"passed": True, "reasons": []},
    "metrics": {"macro_f1": {"value": 0.7, "low": 0.68, "high": 0.72, "n": 900}},
    "baseline": {"macro_f1": {"value": 0.65, "low": 0.63, "high": 0.67, "n": 900}},
    "model_version": {"model": "shop", "version": 1},
}


def fittingroom(url: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FITTINGROOM_URL": url, "FITTINGROOM_TOKEN": "fr_secret", "NO_COLOR": "1"}
    return subprocess.run(
        [str(PROGRAM), *words], env=environment, capture_output=True, text=True, input=stdin
    )


@pytest.mark.parametrize(("status", "code"), [(401, 5), (403, 5), (404, 4), (409, 1), (422, 1), (500, 1)])
def test_a_refusal_is_explained_and_leaves_with_its_exit_code(status: int, code: int) -> None:
    problem = {"title": "No", "detail": "That is so.", "advice": "Do this.", "request_id": "req_7"}
    with serving({"GET /runs/run_1": (status, problem)}) as server:
        done = fittingroom(server.url, "run", "show", "run_1")
    assert done.returncode == code
    assert done.stdout == ""
    assert "That is so." in done.stderr
    assert "Do this." in done.stderr
    assert "req_7" in done.stderr


def test_who_may_not_is_told_which_role_they_need() -> None:
    problem = {"title": "Not allowed", "detail": "This needs the role approver.", "needed": "approver"}
    with serving({"GET /runs/run_1": (403, problem)}) as server:
        done = fittingroom(server.url, "run", "show", "run_1")
    assert "fittingroom token create --role approver" in done.stderr


def test_a_name_with_a_space_or_a_slash_stays_one_part_of_the_address() -> None:
    with serving({}) as server:
        fittingroom(server.url, "dataset", "show", "spring reviews/../?")
    assert server.requests[0][0] == "GET /api/v1/datasets/spring%20reviews%2F..%2F%3F"


def test_no_server_is_a_failure_that_says_what_to_do() -> None:
    done = fittingroom("http://127.0.0.1:9", "run", "ls")
    assert done.returncode == 1
    assert "make run" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "start"),
        ("run", "start", "--dataset", "shop", "--param", "epochs"),
        ("dataset", "push", "/nowhere.csv", "--name", "shop"),
        ("dataset", "push", __file__, "--name", "shop", "--mapping", "{"),
        ("predict", "shop", "one", "two", "--title", "T"),
        ("token", "create", "--role", "king"),
    ],
)
def test_wrong_usage_exits_2(words: tuple[str, ...]) -> None:
    done = fittingroom("http://127.0.0.1:9", *words)
    assert done.returncode == 2
    assert done.stdout == "" or "Usage" in done.stdout


def test_start_sends_what_was_asked_for_and_waits_for_the_end() -> None:
    running = {**RUN, "status": "running", "gate": None}
    with serving(
        {"POST /runs": (201, running), "GET /runs/run_1": [(200, running), (200, running), (200, RUN)]}
    ) as server:
        done = fittingroom(
            server.url,
            *("run", "start", "--dataset", "shop", "--recipe", "quick", "--param", "epochs=2"),
            *("--param", "freeze=true", "--param", "encoder=a/b", "--wait", "-o", "json"),
            *("--compute", "sagemaker", "--compute-step", "prepare=local"),
            *("--instance-type", "train=ml.g5.xlarge"),
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == RUN
    _, headers, body = server.requests[0]
    assert headers["Authorization"] == "Bearer fr_secret"
    assert headers["Idempotency-Key"]
    assert json.loads(body) == {
        "dataset": "shop",
        "recipe": "quick",
        "pipeline": "review-classifier",
        "parameters": {"epochs": 2, "freeze": True, "encoder": "a/b"},
        "compute": "sagemaker",
        "computes": {"prepare": "local"},
        "instance_types": {"train": "ml.g5.xlarge"},
    }


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ({"status": "succeeded"}, 0),
        ({"status": "failed", "message": "train failed"}, 1),
        ({"status": "cancelled"}, 1),
        ({"gate": {"passed": False, "reasons": ["accuracy 0.31 is below 0.33"]}}, 3),
    ],
)
def test_the_end_of_a_run_is_the_exit_code_and_the_json_comes_anyway(end: dict[str, Any], code: int) -> None:
    with serving({"GET /runs/run_1": (200, {**RUN, **end})}) as server:
        done = fittingroom(server.url, "run", "watch", "run_1", "-o", "json")
    assert done.returncode == code
    assert json.loads(done.stdout)["id"] == "run_1"
    for reason in end.get("gate", {}).get("reasons", []):
        assert reason in done.stderr


def test_a_figure_never_stands_without_its_interval() -> None:
    with serving({"GET /runs/run_1": (200, RUN)}) as server:
        done = fittingroom(server.url, "run", "show", "run_1")
    assert "0.700 (0.680–0.720)" in done.stdout
    assert "0.650 (0.630–0.670)" in done.stdout


def test_lists_join_their_pages_as_table_and_csv() -> None:
    first = {"items": [{"name": "a, b", "rows": 2}], "total": 2, "next": "c1"}
    second = {"items": [{"name": "c", "rows": 3}], "total": 2, "next": None}
    with serving({"GET /datasets": [(200, first), (200, second)]}) as server:
        done = fittingroom(server.url, "dataset", "ls", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["name"], row["rows"]) for row in rows] == [("a, b", "2"), ("c", "3")]
    assert "cursor=c1" in server.requests[1][0]


VERSION = {"id": "dv_1", "name": "shop", "version": 1, "rows": 9, "rejected": 2}


def push(server_url: str, file: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return fittingroom(server_url, "dataset", "push", file, "--name", "shop", *words, stdin=stdin)


def answers(*states: str) -> dict[str, Any]:
    return {
        "POST /datasets": (202, {**VERSION, "status": "importing"}),
        "GET /datasets/shop/versions/1": [(200, {**VERSION, "status": state}) for state in states],
        "POST /datasets/shop/versions/1/confirmation": (200, {}),
    }


def test_push_streams_the_file_with_its_fields_and_waits(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("text,stars\n" + "nice,5\n" * 50_000)
    mapping = '{"text": "text", "rating": "stars"}'
    with serving(answers("importing", "ready")) as server:
        done = push(server.url, str(file), "--mapping", mapping, "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ready"
    body = server.requests[0][2]
    assert file.read_bytes() in body
    assert body.index(b'name="name"') < body.index(b'name="file"; filename="r.csv"')
    assert mapping.encode() in body


def test_push_takes_standard_input() -> None:
    with serving(answers("ready")) as server:
        done = push(server.url, "-", "--filename", "x.jsonl", stdin='{"text": "nice", "rating": 5}\n')
    assert done.returncode == 0, done.stderr
    assert b'filename="x.jsonl"' in server.requests[0][2]
    assert b'{"text": "nice", "rating": 5}' in server.requests[0][2]


def test_many_rejects_wait_for_a_person_unless_confirmed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text("text,stars\nnice,5\n")
    with serving(answers("needs_confirmation")) as server:
        done = push(server.url, str(file))
    assert done.returncode == 1
    assert "fittingroom dataset confirm shop 1" in done.stderr
    with serving(answers("needs_confirmation", "ready")) as server:
        assert push(server.url, str(file), "--yes").returncode == 0
        assert any(
            request[0].startswith("POST") and "confirmation" in request[0] for request in server.requests
        )


def listing(path: str, content: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    file = {"step": "evaluate", "path": path, "size": len(content), "sha256": sha256}
    return {"items": [file], "total": 1, "next": None}


def test_artifacts_come_into_a_directory_a_step(tmp_path: Path) -> None:
    with serving(
        {
            "GET /runs/run_1/artifacts": (200, listing("sub/evaluation.json", b"{}")),
            "GET /runs/run_1/artifacts/evaluate/sub/evaluation.json": (200, b"{}"),
        }
    ) as server:
        done = fittingroom(server.url, "run", "artifacts", "run_1", "--download", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "evaluate/sub/evaluation.json").read_bytes() == b"{}"


def test_a_damaged_or_straying_download_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "down"
    damaged = {
        "GET /runs/run_1/artifacts": (200, listing("a.bin", b"right")),
        "GET /runs/run_1/artifacts/evaluate/a.bin": (200, b"wrong"),
    }
    straying = {"GET /runs/run_1/artifacts": (200, listing("../../../stray", b"x"))}
    for canned in (damaged, straying):
        with serving(canned) as server:
            done = fittingroom(server.url, "run", "artifacts", "run_1", "--download", str(directory))
        assert done.returncode == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_decision_names_the_row_it_has_seen() -> None:
    version = {"model": "shop", "version": 3, "status": "PendingManualApproval", "row_version": 5}
    with serving(
        {
            "GET /models/shop/versions/3": (200, version),
            "POST /models/shop/versions/3/approval": (200, {**version, "status": "Approved"}),
        }
    ) as server:
        done = fittingroom(server.url, "model", "approve", "shop", "3", "--comment", "fits")
    assert done.returncode == 0, done.stderr
    assert "Approved" in done.stdout
    sent = json.loads(server.requests[1][2])
    assert sent == {"decision": "approve", "comment": "fits", "row_version": 5}


def test_predict_sends_strings_or_text_with_title() -> None:
    prediction = {"id": "pred_1", "label": "1", "score": 0.9, "scores": [], "truncated": True}
    with serving({"POST /endpoints/shop/predict": (200, {"predictions": [prediction]})}) as server:
        done = fittingroom(server.url, "predict", "shop", "Runs small", "--title", "Hm")
        assert done.returncode == 0, done.stderr
        fittingroom(server.url, "predict", "shop", "-", stdin="Runs large\n")
    assert "0.9000" in done.stdout
    first, second = (json.loads(body)["inputs"] for _, _, body in server.requests)
    assert first == [{"text": "Runs small", "title": "Hm"}]
    assert second == ["Runs large"]


def test_many_texts_are_asked_in_as_many_requests_as_needed() -> None:
    prediction = {"id": "pred_1", "label": "1", "score": 0.9, "scores": [], "truncated": False}
    answers = [(200, {"predictions": [prediction] * count}) for count in (64, 36)]
    with serving({"POST /endpoints/shop/predict": answers}) as server:
        lines = "\n".join(f"text {number}" for number in range(100))
        done = fittingroom(server.url, "predict", "shop", "-", "-o", "json", stdin=lines)
    assert len(json.loads(done.stdout)["predictions"]) == 100
    assert [len(json.loads(body)["inputs"]) for _, _, body in server.requests] == [64, 36]


def test_a_version_that_cannot_be_loaded_fails_the_deployment() -> None:
    placed = {"endpoint": "shop", "state": "failed", "reason": "a file is damaged"}
    with serving({"POST /endpoints/shop/deployments": (201, placed)}) as server:
        done = fittingroom(server.url, "deploy", "shop", "1", "--endpoint", "shop")
    assert done.returncode == 1
    assert "a file is damaged" in done.stderr


COMMANDS = """
    dataset push|dataset ls|dataset show|dataset confirm|run start|run watch|run ls|run show|run logs
    run cancel|run retry|run artifacts
    recipe ls|recipe show|recipe save|recipe delete|model ls|model show|model approve|model reject
    deploy|predict|token create|doctor
"""


@pytest.mark.parametrize(
    "words", [each.strip() for each in COMMANDS.replace("\n", "|").split("|") if each.strip()]
)
def test_every_command_has_help_with_the_common_options(words: str) -> None:
    done = fittingroom("http://127.0.0.1:9", *words.split(), "--help")
    assert done.returncode == 0
    assert "--output" in done.stdout
