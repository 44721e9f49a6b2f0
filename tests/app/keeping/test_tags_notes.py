"""Tags, notes, names and archiving, through REST and the forms."""

import json
import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.keeping.queries import archived_ids, kept_of, tagged_ids, tags_in_use
from app.runs.queries import run_by_id
from tests.app.endpoints.test_predicting import wait_until
from tests.app.keeping.shelf import Shelf

pytestmark = pytest.mark.both_databases

PAGE = {"Accept": "text/html"}
ODD_IDS = ("ds_0000000000000000", "ep_0000000000000000", "usr_1", "run_", "nothing", "run_%00", "ds_'--", "1")


def address(subject_id: str, *parts: str) -> str:
    return "/".join(("/api/v1/subjects", subject_id, *parts))


def test_tags_are_words_in_lower_case_each_once(as_role: Callable[..., TestClient], shelf: Shelf) -> None:
    client = as_role("editor")
    answer = client.put(address(shelf.run_id, "tags"), json={"tags": ["Best", "#golden", "best", "v1.0"]})
    assert answer.json() == {"tags": ["best", "golden", "v1.0"]}
    answer = client.put(address(shelf.run_id, "tags"), json={"tags": ["golden", "größe"]})
    assert answer.json() == client.get(address(shelf.run_id, "tags")).json() == {"tags": ["golden", "größe"]}
    with shelf.services.works.reading() as work:
        assert list(work.session.scalars(tagged_ids(" Golden "))) == [shelf.run_id]
        assert tags_in_use(work.session, "run") == ["golden", "größe"]
        assert tags_in_use(work.session, "ds") == []
    assert [entry["after"] for entry in shelf.audited("run.tagged")] == [
        ["best", "golden", "v1.0"],
        ["golden", "größe"],
    ]


@pytest.mark.parametrize(
    "tags",
    [
        ["two words"],
        ["a" * 31],
        [""],
        ["-x"],
        ["a,b"],
        ["<b>"],
        ["a\0"],
        [f"t{n}" for n in range(21)],
        ["\ud800"],
    ],
)
def test_what_is_no_tag_changes_nothing(
    as_role: Callable[..., TestClient], shelf: Shelf, tags: list[str]
) -> None:
    client = as_role("editor")
    client.put(address(shelf.run_id, "tags"), json={"tags": ["kept"]})
    content = json.dumps({"tags": tags})
    answer = client.put(address(shelf.run_id, "tags"), content=content)
    assert answer.status_code == 422, answer.text
    assert client.get(address(shelf.run_id, "tags")).json() == {"tags": ["kept"]}


def test_of_two_notes_on_the_same_sight_the_second_is_shown_the_first(
    as_role: Callable[..., TestClient], shelf: Shelf
) -> None:
    anna, berta = as_role("editor", "anna-program"), as_role("editor", "berta-program")
    nothing = anna.get(address(shelf.version_id, "note")).json()
    assert (nothing["text"], nothing["row_version"], nothing["by"]) == ("", 0, None)
    first = anna.put(
        address(shelf.version_id, "note"), json={"text": "From spring.\r\nCheck it.", "row_version": 0}
    )
    assert first.json()["text"] == "From spring.\nCheck it."
    assert first.json()["by"]["name"] == "anna-program"
    for stale in (0, 7):
        second = berta.put(address(shelf.version_id, "note"), json={"text": "Mine.", "row_version": stale})
        assert second.status_code == 409
        assert second.json()["note"] == "From spring.\nCheck it."
    again = berta.put(
        address(shelf.version_id, "note"), json={"text": "Mine.", "row_version": second.json()["row_version"]}
    )
    assert (again.json()["text"], again.json()["row_version"]) == ("Mine.", 2)
    assert [entry["after"] for entry in shelf.audited("dataset_version.noted")] == [
        "From spring.\nCheck it.",
        "Mine.",
    ]


@pytest.mark.parametrize("text", ['"a\\u0000b"', '"\\ud83d"', f'"{"x" * 10_001}"'])
def test_a_text_that_cant_be_kept_is_refused(
    as_role: Callable[..., TestClient], shelf: Shelf, text: str
) -> None:
    client = as_role("editor")
    answer = client.put(address(shelf.run_id, "note"), content=f'{{"text": {text}, "row_version": 0}}')
    assert answer.status_code == 422, answer.text
    assert client.get(address(shelf.run_id, "note")).json()["row_version"] == 0


def test_the_form_keeps_what_was_typed_when_somebody_was_faster(
    browser_as: Callable[..., TestClient], as_role: Callable[..., TestClient], shelf: Shelf
) -> None:
    browser, url = browser_as("editor"), f"/keeping/{shelf.run_id}"
    as_role("editor").put(address(shelf.run_id, "note"), json={"text": "Theirs <b>", "row_version": 0})
    answer = browser.post(f"{url}/note", data={"note": "Mine, long & typed", "row_version": "0"})
    assert answer.status_code == 409
    assert "Mine, long &amp; typed</textarea>" in answer.text
    assert "Theirs &lt;b&gt;" in answer.text
    seen = re.search(r'name="row_version" value="(\d+)"', answer.text)
    assert seen is not None
    saved = browser.post(f"{url}/note", data={"note": "Mine", "row_version": seen[1]})
    assert (saved.status_code, saved.headers["location"]) == (303, f"/runs/{shelf.run_id}")
    assert "Mine" in browser.get(url).text


def test_a_forms_tags_are_split_and_a_refusal_keeps_them(
    browser_as: Callable[..., TestClient], shelf: Shelf
) -> None:
    browser, url = browser_as("editor"), f"/keeping/{shelf.dataset_id}"
    assert browser.post(f"{url}/tags", data={"tags": "Spring, golden  spring"}).status_code == 303
    page = browser.get(url)
    assert 'href="/datasets?tag=golden"' in page.text
    refused = browser.post(f"{url}/tags", data={"tags": "fine <bad>"})
    assert refused.status_code == 422
    assert 'value="fine &lt;bad&gt;"' in refused.text


def test_a_data_set_is_renamed_and_its_addresses_stay(
    as_role: Callable[..., TestClient], shelf: Shelf
) -> None:
    client = as_role("editor")
    answer = client.put(address(shelf.dataset_id, "name"), json={"name": "spring reviews"})
    assert answer.json()["title"] == "spring reviews"
    assert client.get(f"/api/v1/datasets/{shelf.dataset_id}").json()["name"] == "spring reviews"
    assert client.get(f"/datasets/{shelf.dataset_id}/v/1", headers=PAGE).status_code == 200
    assert client.get("/api/v1/datasets/clothing").status_code == 404
    assert shelf.audited("dataset.renamed")[0]["before"] == "clothing"
    shelf.stage.dataset("other")
    taken = client.put(address(shelf.dataset_id, "name"), json={"name": "other"})
    assert taken.status_code == 409
    for name in ("", "new", "a/b", "x" * 101):
        assert client.put(address(shelf.dataset_id, "name"), json={"name": name}).status_code == 422


def test_a_run_has_a_label_a_model_a_name_and_a_version_neither(
    as_role: Callable[..., TestClient], shelf: Shelf
) -> None:
    client, version = as_role("editor"), shelf.register()
    client.put(address(shelf.run_id, "name"), json={"name": "the  good one "})
    with shelf.services.works.reading() as work:
        run = run_by_id(work.session, shelf.run_id)
        assert run is not None
        assert run.label == "the good one"
    assert client.put(address(version.model.id, "name"), json={"name": "sentiment"}).status_code == 200
    assert client.get("/api/v1/models/sentiment/versions/1").json()["id"] == version.version.id
    for subject_id in (version.version.id, shelf.version_id):
        assert client.put(address(subject_id, "name"), json={"name": "x"}).status_code == 409


def test_an_endpoint_answers_in_the_new_name_of_its_model(
    as_role: Callable[..., TestClient],
    shelf: Shelf,
    approve: Callable[..., None],
    person: Callable[..., Actor],
) -> None:
    client, version = as_role("editor"), shelf.register()
    approve(version, person("approver"))
    client.post("/api/v1/endpoints/shop/deployments", json={"model": "clothing", "version": 1})

    def name() -> str:
        answer = client.post("/api/v1/endpoints/shop/predict", json={"inputs": ["Lovely"]})
        return str(answer.json()["model"]["name"])

    assert name() == "clothing"
    client.put(address(version.model.id, "name"), json={"name": "sentiment"})
    wait_until(lambda: name() == "sentiment")


def test_archiving_hides_until_it_is_restored(as_role: Callable[..., TestClient], shelf: Shelf) -> None:
    client = as_role("editor")
    for _ in range(2):
        answer = client.post(address(shelf.run_id, "archival")).json()
    assert answer["archived_at"]
    with shelf.services.works.reading() as work:
        assert list(work.session.scalars(archived_ids())) == [shelf.run_id]
        kept = kept_of(work.session, [shelf.run_id, shelf.version_id])
        assert kept[shelf.run_id].archived_at is not None
        assert kept[shelf.version_id].archived_at is None
    assert client.get(f"/api/v1/runs/{shelf.run_id}").json()["status"] == "succeeded"
    for _ in range(2):
        answer = client.delete(address(shelf.run_id, "archival")).json()
    assert answer["archived_at"] is None
    assert (len(shelf.audited("run.archived")), len(shelf.audited("run.restored"))) == (1, 1)


def test_the_toast_after_archiving_says_how_to_go_back(
    browser_as: Callable[..., TestClient], shelf: Shelf
) -> None:
    browser = browser_as("editor")
    answer = browser.post(f"/keeping/{shelf.run_id}/archival")
    assert answer.headers["location"] == f"/runs/{shelf.run_id}"
    assert "Restore it" in browser.get(f"/keeping/{shelf.run_id}").text
    assert browser.post(f"/keeping/{shelf.run_id}/restoration").status_code == 303


WRITES = (
    ("PUT", ("tags",), {"tags": ["x"]}),
    ("PUT", ("note",), {"text": "x", "row_version": 0}),
    ("PUT", ("name",), {"name": "x"}),
    ("POST", ("archival",), None),
    ("DELETE", ("archival",), None),
    ("DELETE", (), None),
)
FORMS = ("tags", "note", "name", "archival", "restoration", "deletion")


def test_viewers_read_and_change_nothing(
    as_role: Callable[..., TestClient], browser_as: Callable[..., TestClient], shelf: Shelf
) -> None:
    client, browser = as_role("viewer"), browser_as("viewer", "vera")
    before = shelf.content()
    for method, parts, body in WRITES:
        assert client.request(method, address(shelf.run_id, *parts), json=body).status_code == 403
    for form in FORMS:
        assert browser.post(f"/keeping/{shelf.run_id}/{form}", data={"tags": "x"}).status_code == 403
    assert browser.get(f"/keeping/{shelf.run_id}/deletion").status_code == 403
    assert shelf.content() == before
    assert client.get(address(shelf.run_id)).json()["deletable"] is False
    page = browser.get(f"/keeping/{shelf.run_id}")
    assert page.status_code == 200
    assert "<textarea" not in page.text


@pytest.mark.parametrize("odd", ODD_IDS)
def test_an_id_that_names_nothing_is_not_found_anywhere(
    as_role: Callable[..., TestClient], browser_as: Callable[..., TestClient], shelf: Shelf, odd: str
) -> None:
    client, browser = as_role("admin"), browser_as("admin")
    before = shelf.content()
    for part in ((), ("tags",), ("note",)):
        assert client.get(address(odd, *part)).status_code == 404
    for method, parts, body in WRITES:
        answer = client.request(method, address(odd, *parts), json=body)
        assert answer.status_code == 404, (method, parts, answer.text)
    for form in FORMS:
        data = {"tags": "x", "note": "x", "row_version": "0", "name": "x", "typed": "x"}
        assert browser.post(f"/keeping/{odd}/{form}", data=data).status_code == 404
    for page in ("", "/deletion"):
        assert browser.get(f"/keeping/{odd}{page}").status_code == 404
    assert shelf.content() == before


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("tags", {"tags": ["x"], "subject_id": "run_1"}),
        ("tags", {"tags": ["x"], "actor_id": "usr_admin"}),
        ("note", {"text": "x", "row_version": 0, "actor_id": "usr_admin"}),
        ("note", {"text": "x", "row_version": 0, "at": "2020-01-01T00:00:00Z"}),
        ("note", {"text": "x"}),
        ("note", {"text": "x", "row_version": "many"}),
        ("name", {"name": "x", "created_by": "usr_me", "owner_id": "usr_me"}),
        ("tags", {"tags": "x"}),
        ("tags", ["x"]),
    ],
)
def test_nothing_but_what_is_asked_for_is_taken(
    as_role: Callable[..., TestClient], shelf: Shelf, part: str, body: object
) -> None:
    client = as_role("editor")
    before = shelf.content()
    assert client.put(address(shelf.run_id, part), json=body).status_code == 422
    assert shelf.content() == before
