"""One search across the product: what is found, by whom, how it is shown, and that it does bounded work."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, insert

from app.core.ids import new_id
from app.core.security import Actor
from app.core.services import Services
from app.keeping.tables import Archived, Note, Tag
from app.registry.queries import NamedVersion
from app.runs import finding
from app.runs.tables import Run, SavedRecipe
from app.search.topics import find_topics
from app.search.views import marked
from tests.app.runs.staging import Stage
from tests.reading import Page

pytestmark = pytest.mark.both_databases

Person = Callable[..., Actor]
Clients = Callable[..., TestClient]
PAGE = {"Accept": "text/html"}


@pytest.fixture
def stage(services: Services, person: Person) -> Stage:
    return Stage(services, person("editor", "ml-author").id)


def _found(client: TestClient, q: str) -> list[tuple[str, str]]:
    answer = client.get("/api/v1/search", params={"q": q})
    assert answer.status_code == 200, answer.text
    return [(item["kind"], item["title"]) for item in answer.json()["items"]]


def test_everything_of_a_name_is_found_in_its_own_group(
    as_role: Clients, stage: Stage, register: Callable[..., NamedVersion], person: Person
) -> None:
    stage.launch(stage.dataset("clothing"))
    register(person("editor", "other-author"))
    assert _found(as_role("viewer"), "CLOTH") == [
        ("data set", "clothing"),
        ("run", "Run #1"),
        ("model", "clothing"),
        ("model version", "clothing v1"),
    ]


def test_a_version_is_found_by_its_name_and_number_and_by_its_file(as_role: Clients, stage: Stage) -> None:
    stage.dataset("clothing")
    viewer = as_role("viewer")
    assert ("data set version", "clothing v1") in _found(viewer, "clothing v1")
    assert ("data set version", "clothing v1") in _found(viewer, "reviews.csv")
    assert _found(viewer, "clothing v2") == []


def test_the_signs_of_like_mean_themselves(as_role: Clients, stage: Stage) -> None:
    stage.dataset("all_of_it")
    stage.dataset("all-of-it")
    viewer = as_role("viewer")
    assert [title for kind, title in _found(viewer, "l_o") if kind == "data set"] == ["all_of_it"]
    assert [kind for kind, _ in _found(viewer, "%")] == ["help"], "the topic of the 95 % interval"
    assert _found(viewer, "\\") == []


def test_an_exact_id_and_a_runs_number_lead_straight_there(browser_as: Clients, stage: Stage) -> None:
    version = stage.dataset()
    run = stage.launch(version)
    browser = browser_as("viewer")
    for text in (run, f"  {run} ", "#1"):
        assert browser.get("/search", params={"q": text}).headers["location"] == f"/runs/{run}"
    assert "/v/1" in browser.get("/search", params={"q": version}).headers["location"]
    assert browser.get("/search", params={"q": "1"}).status_code == 200, "a plain number may be a word"
    for unknown in ("run_0000000000000000", "#77", "run_", "_", "#"):
        assert browser.get("/search", params={"q": unknown}).status_code == 200, unknown


def test_users_are_found_by_administrators_only(as_role: Clients, person: Person) -> None:
    person("editor", "needle")
    assert _found(as_role("admin"), "needle") == [("user", "needle")]
    for role in ("viewer", "editor", "approver"):
        assert _found(as_role(role), "needle") == []


def test_tags_and_notes_lead_to_what_they_are_attached_to(
    services: Services, browser_as: Clients, stage: Stage, person: Person
) -> None:
    run, version = stage.launch(stage.dataset()), stage.dataset("other")
    writer = person("editor", "writer").id
    with services.works.writing() as work:
        work.session.add(Tag(subject_id=run, name="autumn", actor_id=writer))
        work.session.add(Note(subject_id=version, text="Only <b>autumn</b> coats.", actor_id=writer))
        work.session.add(Tag(subject_id="run_gone", name="autumn", actor_id=writer))
        work.session.add(Archived(subject_id=run, actor_id=writer))
    page = browser_as("viewer").get("/search", params={"q": "autumn"}, headers=PAGE).text
    said = Page(page).one("main").text
    assert "Tagged 1 run Run #1" in said
    assert "Archived" in said
    assert "In notes 1 data set version other v1 Only <b> autumn </b> coats." in said
    assert "<b>" not in page.partition("<main")[2]


def test_recipes_pipelines_and_help_are_found(services: Services, as_role: Clients, person: Person) -> None:
    with services.works.writing() as work:
        saved = SavedRecipe(id=new_id("rec"), pipeline="review-classifier", name="overnight")
        saved.summary, saved.values, saved.owner_id = "Six epochs.", {}, person("editor").id
        work.session.add(saved)
    viewer = as_role("viewer")
    assert _found(viewer, "overnight") == [("recipe", "overnight")]
    assert ("recipe", "quick") in _found(viewer, "quick")
    assert ("pipeline", "review-classifier") in _found(viewer, "classifier")
    assert ("help", "Gate") in _found(viewer, "gate")


def test_every_help_topic_leads_to_a_place_that_is_there(client: TestClient) -> None:
    page = Page(client.get("/help", headers=PAGE).text)
    ids = {node["id"] for node in page.all("[id]")}
    topics = find_topics([], 1000)
    assert len(topics) > 20
    assert {topic.url.partition("#")[2] for topic in topics} <= ids
    assert not any("{{" in topic.text or "<" in topic.text for topic in topics)


def test_the_page_marks_the_match_and_says_what_can_be_searched(browser_as: Clients, stage: Stage) -> None:
    stage.dataset("clothing")
    browser = browser_as("viewer")
    page = Page(browser.get("/search?q=loth", headers=PAGE).text)
    assert {mark.text for mark in page.all("mark")} == {"loth"}
    assert "What can be searched" in browser.get("/search", headers=PAGE).text
    nothing = browser.get("/search", params={"q": "<script>nowhere"}, headers=PAGE).text
    assert "Nothing found" in nothing
    assert "<script>nowhere" not in nothing


def test_marks_keep_what_is_written_and_escape_it() -> None:
    assert marked("A & b A", ["a"]) == "<mark>A</mark> &amp; b <mark>A</mark>"
    assert marked("<i>", ["<"]) == "<mark>&lt;</mark>i&gt;"
    assert marked("plain.", ["."]) == "plain<mark>.</mark>"


def test_files_hold_every_match(browser_as: Clients, stage: Stage) -> None:
    for number in range(9):
        stage.dataset(f"set-{number}")
    browser = browser_as("viewer")
    page = Page(browser.get("/search?q=set-", headers=PAGE).text)
    assert len(page.all("main a[href^='/datasets/ds_']")) == 6
    assert 'href="/datasets?q=set-"' in browser.get("/search?q=set-", headers=PAGE).text
    lines = browser.get("/search.csv?q=set-").text.splitlines()
    assert lines[0] == "kind,id,title,text,url,at"
    assert len([line for line in lines if line.startswith("data set,")]) == 9
    assert browser.get("/search.json?q=set-").json()["total"] == len(lines) - 1


def test_the_work_does_not_grow_with_the_runs(
    services: Services, as_role: Clients, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same number of statements, and only the newest labels are read."""
    monkeypatch.setattr(finding, "NEWEST", 100)
    viewer = as_role("viewer")
    _found(viewer, "needle")
    few = _statements(services, lambda: _found(viewer, "needle"))
    row = {"pipeline": "review-classifier", "status": "succeeded", "parameters": {}, "inputs": {}}
    rows = [
        {
            **row,
            "id": f"run_{number:016}",
            "number": number,
            "actor_id": stage.actor_id,
            "label": "needle" if number in (3, 290) else "hay",
        }
        for number in range(1, 301)
    ]
    with services.works.writing() as work:
        work.session.execute(insert(Run), rows)
    assert _found(viewer, "needle") == [("run", "Run #290")]
    assert _found(viewer, "3") == [("run", "Run #3")], "a number has an index"
    many = _statements(services, lambda: _found(viewer, "needle"))
    assert len(many) <= len(few) + 2


def _statements(services: Services, action: Callable[[], object]) -> list[str]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = services.databases.main.engine
    event.listen(engine, "before_cursor_execute", note)
    action()
    event.remove(engine, "before_cursor_execute", note)
    return seen
