"""What a worker does in the cloud, ordered by command: against a server with fixed answers."""

import json

from tests.app.cli.canned import serving
from tests.app.cli.test_command_line import fittingroom

DONE = {"state": "done", "message": "", "advice": ""}
IN_AWS = {
    "dataset": "shop",
    "version": 2,
    "in_aws": True,
    "database": "fittingroom",
    "table": "shop_v2",
    "location": "s3://b/fittingroom/datasets/shop/v2/",
    "last": DONE,
}
QUERY = {
    "id": "er_1",
    **DONE,
    "result": {
        "columns": [{"name": "label", "type": "varchar"}, {"name": "n", "type": "bigint"}],
        "rows": [["1", 5], ["0", 2]],
        "more": True,
        "scanned": 1000,
    },
}
AWS, ATHENA = "/datasets/shop/versions/2/aws", "/datasets/shop/versions/2/athena"


def test_the_newest_version_is_sent_and_waited_for() -> None:
    answers = {
        "GET /datasets/shop": (200, {"version": 2}),
        f"POST {AWS}": (202, {}),
        f"GET {AWS}": (200, IN_AWS),
        f"DELETE {AWS}": (202, {}),
    }
    with serving(answers) as server:
        sent = fittingroom(server.url, "dataset", "to-aws", "shop")
        removed = fittingroom(server.url, "dataset", "to-aws", "shop", "--version", "2", "--remove")
        methods = [each[0].split()[0] for each in server.requests]
    assert (sent.returncode, removed.returncode) == (0, 0), sent.stderr + removed.stderr
    assert "shop_v2" in sent.stdout
    assert methods == ["GET", "POST", "GET", "DELETE", "GET"]


def test_what_failed_is_said_with_what_to_do() -> None:
    failed = {"state": "failed", "message": "glue:CreateTable is missing.", "advice": "Allow it."}
    answers = {f"POST {AWS}": (202, {}), f"GET {AWS}": (200, {**IN_AWS, "last": failed})}
    with serving(answers) as server:
        done = fittingroom(server.url, "dataset", "to-aws", "shop", "--version", "2")
    assert done.returncode == 1
    assert "glue:CreateTable is missing." in done.stderr
    assert "Allow it." in done.stderr


def test_a_question_is_asked_and_its_answer_printed() -> None:
    with serving({f"POST {ATHENA}": (202, QUERY)}) as server:
        done = fittingroom(
            server.url, "dataset", "ask", "shop", "--version", "2", "--sql", "SELECT label, COUNT(*) AS n"
        )
        sent = json.loads(server.requests[-1][2])
        neither = fittingroom(server.url, "dataset", "ask", "shop", "--version", "2")
    assert done.returncode == 0, done.stderr
    assert sent == {"sql": "SELECT label, COUNT(*) AS n"}
    assert [line.split() for line in done.stdout.splitlines()] == [["label", "n"], ["1", "5"], ["0", "2"]]
    assert "These are the first 2 rows" in done.stderr
    assert neither.returncode == 2


def test_a_run_s_features_are_sent() -> None:
    answer = {"number": 7, "in_aws": True, "location": "s3://b/fittingroom/features/7/", "last": DONE}
    answers = {"POST /runs/run_1/features": (202, answer), "GET /runs/run_1/features": (200, answer)}
    with serving(answers) as server:
        done = fittingroom(server.url, "run", "features-to-aws", "run_1")
    assert done.returncode == 0, done.stderr
    assert "s3://b/fittingroom/features/7/" in done.stdout
