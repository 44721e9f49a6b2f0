"""The first page tells each role what it can act on, and leads a new installation through five steps."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.ids import new_id
from app.core.security import Actor
from app.core.services import Services
from app.datasets.tables import DatasetVersion, Upload, VersionStatus
from app.home import needs
from app.home.routes import Moving
from app.keeping.tables import Archived
from app.registry import approval
from app.registry.queries import NamedVersion
from app.runs.tables import Worker
from tests.app.runs.staging import Stage
from tests.reading import Page

Person = Callable[..., Actor]
Clients = Callable[..., TestClient]
PAGE = {"Accept": "text/html"}


@pytest.fixture
def stage(services: Services, person: Person) -> Stage:
    return Stage(services, person("editor", "ml-author").id)


def _home(client: TestClient) -> str:
    answer = client.get("/", headers=PAGE)
    assert answer.status_code == 200
    return answer.text


def _titles(client: TestClient) -> list[str]:
    return [each.text for each in Page(_home(client)).all(".inbox strong")]


def test_a_new_installation_shows_the_first_step_and_what_the_sample_is(browser_as: Clients) -> None:
    page = _home(browser_as("admin"))
    assert "0 of 5 done" in page
    assert 'action="/datasets/sample"' in page
    assert "600 short reviews, made up by this program" in page
    assert "Nothing waits for you" in page


def test_a_viewer_is_offered_nothing_that_they_may_not_do(browser_as: Clients, stage: Stage) -> None:
    stage.fail(stage.launch(stage.dataset()), "prepare", "No text column.")
    page = _home(browser_as("viewer"))
    assert "/datasets/sample" not in page
    assert "Failed run" not in page
    assert "/audit" not in page


def test_steps_are_ticked_as_they_are_done(browser_as: Clients, stage: Stage) -> None:
    version = stage.dataset()
    browser = browser_as("admin")
    assert "1 of 5 done" in _home(browser)
    run = stage.launch(version)
    assert "2 of 5 done" in _home(browser)
    stage.train(run)
    page = _home(browser)
    assert "3 of 5 done" in page
    assert f'href="/runs/{run}"' in page


def test_the_steps_are_put_away_by_a_person_and_brought_back(browser_as: Clients) -> None:
    anna, bert = browser_as("admin", "anna"), browser_as("editor", "bert")
    answer = anna.post("/settings/first-steps", data={"show": "off"})
    assert answer.headers["location"] == "/"
    assert "First steps" not in _home(anna)
    assert "First steps" in _home(bert), "everybody puts them away for themselves"
    assert "Bring back" in anna.get("/settings").text
    anna.post("/settings/first-steps", data={"show": "on"})
    assert "First steps" in _home(anna)


def test_failures_and_active_runs_are_shown_with_the_way_to_them(browser_as: Clients, stage: Stage) -> None:
    version = stage.dataset()
    failed, moving = stage.launch(version), stage.launch(version)
    stage.fail(failed, "prepare", "Fewer rows than a split needs.", "Upload more.")
    stage.claim(moving, "prepare")
    page = _home(browser_as("editor"))
    assert "ml-author’s run #1 failed" in page
    assert "Fewer rows than a split needs." in page
    assert f'href="/runs/{failed}"' in page
    assert "Active runs" in page
    assert '<span class="n">1</span>' in page


def test_ones_own_failures_come_first_and_archived_ones_not_at_all(
    services: Services, person: Person, stage: Stage
) -> None:
    other = Stage(services, person("editor", "erik").id)
    version = stage.dataset()
    mine, theirs, archived = stage.launch(version), other.launch(version), stage.launch(version)
    for run in (mine, theirs, archived):
        stage.fail(run, "prepare", "No text column.")
    with services.works.writing() as work:
        work.session.add(Archived(subject_id=archived, actor_id=stage.actor_id))
    with services.works.reading() as work:
        shown = needs.needs(work, services, Actor(stage.actor_id, "ml-author", needs.Role.EDITOR))
    assert [each.url for each in shown if each.word == "Failed run"] == [f"/runs/{mine}", f"/runs/{theirs}"]
    assert [each.title.split(" run")[0] for each in shown if each.word == "Failed run"] == ["Your", "erik’s"]


def test_a_version_that_waits_is_shown_to_those_who_may_decide(
    browser_as: Clients, person: Person, register: Callable[..., NamedVersion]
) -> None:
    waiting = register(person("editor", "ml-author"))
    approver, editor = _home(browser_as("approver")), _home(browser_as("editor"))
    assert "Approve clothing v1?" in approver
    assert f"/approvals/{waiting.version.id}" in approver
    assert "Asked by ml-author." in approver
    assert "Approve clothing v1?" not in editor


def test_ones_own_version_waits_for_somebody_else(
    browser_as: Clients, person: Person, services: Services, register: Callable[..., NamedVersion]
) -> None:
    anna, bert = browser_as("approver", "anna"), browser_as("approver", "bert")
    me = anna.get("/api/v1/me").json()
    register(Actor(me["id"], me["name"], needs.Role.APPROVER))
    assert _titles(anna) == []
    assert _titles(bert) == ["Approve clothing v1?"]


def test_a_void_version_is_shown_until_a_newer_one_is_there(
    browser_as: Clients, person: Person, services: Services, register: Callable[..., NamedVersion]
) -> None:
    author, editor = person("editor", "ml-author"), browser_as("editor")
    named = register(author)
    approval.void(services, named.version.id, "model.onnx has changed.", approval.SYSTEM)
    assert _titles(editor) == ["clothing v1 is void"]
    register(author, step="2")
    assert _titles(editor) == []


def test_uploads_and_doubtful_versions_wait_for_somebody(
    browser_as: Clients, services: Services, stage: Stage
) -> None:
    version_id = stage.dataset("returns")
    editor = browser_as("editor")
    upload = Upload(id=new_id("up"), filename="spring.csv", sha256="0" * 64, size=9, tree_sha256="0" * 64)
    upload.dataset_name, upload.peek, upload.created_by = "spring", {}, editor.get("/api/v1/me").json()["id"]
    with services.works.writing() as work:
        work.session.add(upload)
        version = work.session.get_one(DatasetVersion, version_id)
        version.status, version.rejected = VersionStatus.NEEDS_CONFIRMATION, 90
    assert _titles(editor) == ["Use returns v1 all the same?", "spring.csv is not imported yet"]
    assert f'href="/uploads/{upload.id}"' in _home(editor)
    assert _titles(browser_as("editor", "erik")) == ["Use returns v1 all the same?"], "the file is not his"


def test_work_that_nobody_serves_is_said(browser_as: Clients, services: Services, stage: Stage) -> None:
    stage.launch(stage.dataset())
    editor = browser_as("editor")
    assert _titles(editor) == ["No worker serves cpu"]
    assert "No worker: runs wait" in _home(editor)
    stage.worker("cpu")
    assert _titles(editor) == []
    assert "1 worker" in Page(_home(editor)).one(".bar").text


def test_free_slots_are_those_of_all_workers() -> None:
    workers = [Worker(slots={"heavy": 1, "light": 2}, busy=1), Worker(slots={"heavy": 1}, busy=0)]
    assert Moving([], [], [], [], [], [], workers).slots == (3, 4)


def test_what_moves_is_asked_for_again_alone(browser_as: Clients, stage: Stage) -> None:
    stage.claim(stage.launch(stage.dataset()), "prepare")
    part = browser_as("editor").get("/", headers={**PAGE, "HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="moving" hx-get="/" hx-trigger="every 5s"')
    assert "Active runs" in part
    assert "<nav" not in part


def test_the_latest_versions_and_what_ended_last_are_shown(
    browser_as: Clients, person: Person, stage: Stage, register: Callable[..., NamedVersion]
) -> None:
    first, second = stage.launch(stage.dataset()), stage.launch(stage.dataset("other"))
    stage.train(second)
    stage.train(first)
    register(person("editor", "somebody"))
    page = Page(_home(browser_as("viewer")))
    recent = next(table for table in page.all("table") if "Runs that ended last" in table.text)
    assert [link["href"] for link in recent.all("a")] == [f"/runs/{first}", f"/runs/{second}"]
    latest = next(table for table in page.all("table") if "Latest model and data set" in table.text)
    assert [link.text for link in latest.all("a")] == ["clothing v1", "other v1", "clothing v1"]
