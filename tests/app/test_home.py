"""The first page tells each role what it can act on, and leads a new installation through five steps."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.registry.queries import NamedVersion
from tests.app.runs.staging import Stage

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


def test_a_new_installation_shows_the_first_step_and_the_sample(browser_as: Clients) -> None:
    page = _home(browser_as("admin"))
    assert "0 of 5 done" in page
    assert 'action="/datasets/sample"' in page
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


def test_failures_and_active_runs_are_shown_with_the_way_to_them(browser_as: Clients, stage: Stage) -> None:
    version = stage.dataset()
    failed, moving = stage.launch(version), stage.launch(version)
    stage.fail(failed, "prepare", "Fewer rows than a split needs.", "Upload more.")
    stage.claim(moving, "prepare")
    page = _home(browser_as("editor"))
    assert "Fewer rows than a split needs." in page
    assert f'href="/runs/{failed}"' in page
    assert "Active runs" in page
    assert '<span class="n">1</span>' in page


def test_a_version_that_waits_is_shown_to_those_who_may_decide(
    browser_as: Clients, person: Person, register: Callable[..., NamedVersion]
) -> None:
    waiting = register(person("editor", "ml-author"))
    approver, editor = _home(browser_as("approver")), _home(browser_as("editor"))
    assert "Approve clothing v1?" in approver
    assert f"/approvals/{waiting.version.id}" in approver
    assert "Asked by ml-author." in approver
    assert "Approve clothing v1?" not in editor
