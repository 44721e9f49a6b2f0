"""Data sets over REST: what is taken, what is refused, and what is there afterwards."""

import csv
import io
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.datasets import service
from tests.app.datasets.importing import REVIEWS, push, push_ready, work_off

AsRole = Callable[..., TestClient]


def test_an_upload_becomes_a_version(as_role: AsRole, services: Services) -> None:
    editor = as_role("editor")
    answer = push(editor)
    assert answer.status_code == 202, answer.text
    pushed = answer.json()
    assert (pushed["name"], pushed["version"], pushed["status"]) == ("dresses", 1, "importing")
    assert pushed["run_id"].startswith("run_")
    assert pushed["rows"] is None
    work_off(services, pushed["version_id"])
    for key in (pushed["id"], "dresses"):
        shown = editor.get(f"/api/v1/datasets/{key}").json()
        assert (shown["status"], shown["rows"], shown["rejected"]) == ("ready", 40, 0)
        assert shown["label_counts"] == {"-1": 16, "0": 8, "1": 16}
        assert shown["mapping"]["text"] == "text"
        assert shown["source"]["filename"] == "reviews.csv"
        assert len(shown["versions"]) == 1
    one = editor.get("/api/v1/datasets/dresses/versions/1").json()
    assert one["summary"]["ratings"] == {str(stars): 8 for stars in range(1, 6)}
    listed = editor.get("/api/v1/datasets").json()
    assert (listed["total"], listed["next"]) == (1, None)
    assert listed["items"][0]["id"] == pushed["id"]


def test_a_second_upload_of_the_name_adds_a_version_with_the_same_hash(
    as_role: AsRole, services: Services
) -> None:
    editor = as_role("editor")
    first = push_ready(editor, services)
    second = push_ready(editor, services)
    assert (first["version"], second["version"]) == (1, 2)
    assert first["dataset_id"] == second["dataset_id"]
    assert first["content_sha256"] == second["content_sha256"]
    assert first["source"]["sha256"] == second["source"]["sha256"]
    assert [v["version"] for v in editor.get("/api/v1/datasets/dresses/versions").json()["items"]] == [2, 1]


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("empty.csv", b"", "empty"),
        ("header.csv", b"Review Text,Rating\n", "no rows"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "picture"),
        ("table.parquet", b"Review Text,Rating\nGood,5\n", "named Parquet"),
        ("numbers.csv", b"a,b\n1,2\n3,4\n", "Columns found: a, b"),
        ("sheet.xlsx", b"PK\x03\x04" + b"x" * 50, "Excel"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    as_role: AsRole, services: Services, file: str, content: bytes, says: str
) -> None:
    editor = as_role("editor")
    answer = push(editor, content, "unusable", file)
    assert answer.status_code == 422
    problem = answer.json()
    assert says in problem["detail"]
    assert problem["advice"]
    assert editor.get("/api/v1/datasets/unusable").status_code == 404
    assert leftovers(services) == []


def test_fields_are_checked_whatever_their_order(as_role: AsRole) -> None:
    editor = as_role("editor")
    for name in ("", "a/b", "new", "../x", "x" * 101, "\u202eevil"):
        assert push(editor, name=name).status_code == 422
    for mapping in ("[]", "{", '{"body": "text"}', '{"text": "nowhere"}', r'{"\ud800": "text"}'):
        assert push(editor, mapping=mapping).status_code == 422
    body = multipart(
        [("file", "r.csv", REVIEWS), ("mapping", None, b'{"title": null}'), ("name", None, b"late")]
    )
    answer = editor.post("/api/v1/datasets", content=body, headers=FORM)
    assert answer.status_code == 202, answer.text
    assert answer.json()["name"] == "late"


def test_an_explicit_mapping_reaches_the_import(as_role: AsRole, services: Services) -> None:
    editor = as_role("editor")
    content = b"a,b,text\n" + b"".join(b"this is the real text %d,%d,x\n" % (n, n % 5 + 1) for n in range(20))
    pushed = push(editor, content, mapping='{"text": "a", "rating": "b"}').json()
    work_off(services, pushed["version_id"])
    shown = editor.get("/api/v1/datasets/dresses").json()
    assert (shown["rows"], shown["mapping"]["text"], shown["mapping"]["rating"]) == (20, "a", "b")


def test_many_rejects_wait_for_a_confirmation(as_role: AsRole, services: Services) -> None:
    editor = as_role("editor")
    content = REVIEWS + b",5,no text\n=evil,9,formula\n-x,9,\n"
    version = push_ready(editor, services, content)
    assert (version["status"], version["rejected"]) == ("needs_confirmation", 3)
    path = f"/api/v1/datasets/dresses/versions/{version['version']}"
    assert as_role("viewer").post(f"{path}/confirmation").status_code == 403
    confirmed = editor.post(f"{path}/confirmation")
    assert confirmed.json()["status"] == "ready"
    again = editor.post(f"{path}/confirmation")
    assert again.status_code == 409
    assert again.json()["code"] == "nothing_to_confirm"


def test_rejects_are_listed_by_pages_and_harmless_as_csv(as_role: AsRole, services: Services) -> None:
    editor = as_role("editor")
    bad = b"".join(b"=cmd|%d,nine,x\n" % n for n in range(2500))
    version = push_ready(editor, services, REVIEWS + bad)
    path = f"/api/v1/datasets/dresses/versions/{version['version']}/rejects"
    rows, cursor = [], None
    while True:
        page = editor.get(path, params={"limit": 400, **({"cursor": cursor} if cursor else {})}).json()
        rows += [item["row"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert page["total"] == 2500
    assert rows == list(range(41, 2541))
    answer = editor.get(f"{path}.csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(table) == 2500
    assert table[0]["line"] == "42"
    assert table[0]["raw"].startswith("'=cmd")


def test_an_import_that_fails_says_why(as_role: AsRole, services: Services) -> None:
    editor = as_role("editor")
    version = push_ready(editor, services, b"text,rating\n" + b"all is well,5\n" * 30, "happy")
    assert version["status"] == "failed"
    assert "one and the same label" in version["message"]


def test_a_version_follows_its_import_also_back(as_role: AsRole, services: Services) -> None:
    editor = as_role("editor")
    pushed = push(editor).json()
    version, run = "/api/v1/datasets/dresses/versions/1", f"/api/v1/runs/{pushed['run_id']}"
    assert editor.post(f"{run}/cancellation").status_code == 200
    cancelled = editor.get(version).json()
    assert cancelled["status"] == "cancelled"
    assert cancelled["message"]
    assert editor.post(f"{run}/retry").status_code == 200
    again = editor.get(version).json()
    assert again["status"] == "importing"
    assert again["message"] == ""
    work_off(services, pushed["version_id"])
    assert editor.get(version).json()["status"] == "ready"


def test_a_published_version_stays_whatever_becomes_of_its_run(as_role: AsRole, services: Services) -> None:
    editor = as_role("editor")
    ready = push_ready(editor, services)
    newest = editor.get("/api/v1/datasets/dresses").json()
    for status in ("running", "failed", "cancelled"):
        with services.works.writing() as work:
            service.import_moved(work, status=status, subject_id=newest["version_id"], message="late")
    assert editor.get("/api/v1/datasets/dresses/versions/1").json() == ready


def test_roles_and_missing_ones(as_role: AsRole, client: TestClient, services: Services) -> None:
    viewer = as_role("viewer")
    assert push(viewer).status_code == 403
    assert push(client).status_code == 401
    for path in (
        "nothing",
        "nothing/versions/1",
        "nothing/versions/1/rejects",
        "nothing/versions/1/rejects.csv",
    ):
        assert viewer.get(f"/api/v1/datasets/{path}").status_code == 404
    push_ready(as_role("editor"), services)
    for number in ("0", "2", "-1", "99999999999999999999"):
        assert viewer.get(f"/api/v1/datasets/dresses/versions/{number}").status_code == 404


def test_lists_go_on_behind_their_cursor(as_role: AsRole) -> None:
    editor = as_role("editor")
    for name in ("b", "a", "c"):
        push(editor, name=name)
    first = editor.get("/api/v1/datasets?limit=2").json()
    assert ([item["name"] for item in first["items"]], first["total"]) == (["a", "b"], 3)
    rest = editor.get(f"/api/v1/datasets?limit=2&cursor={first['next']}").json()
    assert [item["name"] for item in rest["items"]] == ["c"]


BOUNDARY = "frontier"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def multipart(parts: list[tuple[str, str | None, bytes]]) -> bytes:
    body = b""
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def leftovers(services: Services) -> list[str]:
    return [path.name for path in (services.settings.home / "storage" / "scratch").iterdir()]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (multipart([("name", None, b"x")]), 422),
        (multipart([("file", "a", b"1"), ("file", "b", b"2")]), 422),
        (multipart([(f"f{n}", None, b"1") for n in range(10_000)]), 422),
        (multipart([("name", None, b"x" * 100_000)]), 413),
        (multipart([("file", "a.csv", REVIEWS), ("name", None, b"cut")])[:-40], 400),
        (b"nothing like a form", 400),
        (b"", 400),
    ],
)
def test_broken_forms_are_4xx_and_leave_nothing(
    as_role: AsRole, services: Services, body: bytes, status: int
) -> None:
    editor = as_role("editor")
    assert editor.post("/api/v1/datasets", content=body, headers=FORM).status_code == status
    assert editor.post("/api/v1/datasets", json={"name": "x"}).status_code == 422
    assert leftovers(services) == []


def test_a_hostile_filename_is_only_shown(as_role: AsRole) -> None:
    editor = as_role("editor")
    for filename, shown in (
        ("../../x\\..\\y.csv", "y.csv"),
        ("a" * 4000, "a" * 255),
        ("\u202e\r\n", "upload"),
    ):
        body = multipart([("name", None, b"names"), ("file", filename.replace("\r\n", ""), REVIEWS)])
        answer = editor.post("/api/v1/datasets", content=body, headers=FORM)
        assert answer.status_code == 202, answer.text
        assert answer.json()["source"]["filename"] == shown
