"""Notices as a person meets them: the bell, the page, what reads them, and what they choose to be told."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.notices import queries, service
from app.notices.tables import Kind, Notice
from tests.app.runs.staging import Stage
from tests.conftest import PASSWORD
from tests.reading import Page

Clients = Callable[..., TestClient]
Told = Callable[[str], list[Notice]]
PAGE = {"Accept": "text/html"}


@pytest.fixture
def browser(author: Actor, connect: Callable[[], TestClient]) -> TestClient:
    client = connect()
    client.post("/login", data={"name": author.name, "password": PASSWORD})
    return client


@pytest.fixture
def failed(stage: Stage) -> list[str]:
    """Three runs that failed, oldest first."""
    version = stage.dataset()
    runs = [stage.launch(version) for _ in range(3)]
    for run in runs:
        stage.fail(run, "prepare", f"No column in {run}.")
    return runs


def _bell(browser: TestClient, path: str = "/help") -> str:
    return Page(browser.get(path, headers=PAGE).text).one(".bell")["aria-label"]


def test_the_bell_counts_and_opening_the_run_by_any_way_reads_its_notice(
    browser: TestClient, failed: list[str]
) -> None:
    assert _bell(browser) == "Notices, 3 unread"
    assert _bell(browser, f"/runs/{failed[0]}?tab=config") == "Notices, 2 unread"
    assert _bell(browser) == "Notices, 2 unread"
    browser.get(f"/runs/{failed[1]}", headers={**PAGE, "HX-Request": "true"})
    assert _bell(browser) == "Notices, 2 unread", "a fragment is no visit"


def test_unread_ones_come_first_and_pages_join_without_a_gap(
    services: Services, author: Actor, browser: TestClient, failed: list[str], told: Told
) -> None:
    browser.get(f"/runs/{failed[2]}", headers=PAGE)
    with services.works.reading() as work:
        narrowed = queries.NoticeFilter(author.id)
        pages, cursor = [], None
        while not pages or cursor:
            page = queries.list_notices(work.session, narrowed, cursor, limit=1)
            pages += page.items
            cursor = page.next
    assert [notice.subject_id for notice in pages] == [failed[1], failed[0], failed[2]]


def test_one_or_all_are_marked_as_read(
    browser: TestClient, author: Actor, failed: list[str], told: Told
) -> None:
    newest = told(author.id)[0]
    answer = browser.post(f"/notices/{newest.id}/reading?show=unread&q=col")
    assert answer.headers["location"] == "/notices?show=unread&q=col"
    assert _bell(browser) == "Notices, 2 unread"
    browser.post("/notices/reading")
    assert "2 notices were marked as read." in browser.get("/notices", headers=PAGE).text
    assert _bell(browser) == "Notices"


def test_the_list_is_narrowed_by_kind_words_and_being_unread(browser: TestClient, failed: list[str]) -> None:
    def titles(query: str) -> list[str]:
        return [link.text for link in Page(browser.get(f"/notices?{query}").text).all(".inbox a")]

    assert len(titles("")) == 3
    assert len(titles("kind=run_failed&q=FAILED")) == 3
    assert titles("kind=run_succeeded") == []
    assert titles(f"q={failed[1]}") == [titles("")[1]]
    browser.get(f"/runs/{failed[0]}", headers=PAGE)
    assert len(titles("show=unread")) == 2
    assert "Clear filters" in browser.get("/notices?q=nowhere").text


def test_files_hold_the_same(browser: TestClient, failed: list[str]) -> None:
    lines = browser.get("/notices.csv?q=failed").text.splitlines()
    assert lines[0].startswith("id,at,kind,title")
    assert len(lines) == 4
    assert browser.get("/notices.json?kind=run_failed").json()["total"] == 3


def test_nobody_sees_or_reads_anothers(
    browser_as: Clients, author: Actor, failed: list[str], told: Told
) -> None:
    other = browser_as("admin", "anna")
    assert "No notices yet" in other.get("/notices").text
    other.post(f"/notices/{told(author.id)[0].id}/reading")
    other.post("/notices/reading")
    assert [notice.read_at for notice in told(author.id)] == [None] * 3


def test_an_open_page_asks_for_the_count_and_the_newest(browser: TestClient, failed: list[str]) -> None:
    found = browser.get("/notices/unread").json()
    assert found["unread"] == 3
    assert found["newest"]["url"] == f"/runs/{failed[2]}"
    browser.post("/notices/reading")
    assert browser.get("/notices/unread").json() == {"unread": 0, "newest": None}


def test_programs_ask_over_rest(browser: TestClient, failed: list[str]) -> None:
    first = browser.get("/api/v1/notices?unread=true&limit=2").json()
    assert (first["total"], len(first["items"])) == (3, 2)
    rest = browser.get(f"/api/v1/notices?unread=true&limit=2&cursor={first['next']}").json()
    assert [item["subject_id"] for item in first["items"] + rest["items"]] == failed[::-1]
    assert rest["next"] is None
    assert browser.post("/api/v1/notices/reading").json() == {"read": 3}
    assert browser.get("/api/v1/notices?unread=true").json()["total"] == 0
    assert browser.get("/api/v1/notices?kind=nonsense").status_code == 422


def test_a_person_chooses_what_to_be_told(
    browser: TestClient, stage: Stage, author: Actor, told: Told
) -> None:
    kept = [str(kind) for kind in Kind if kind != Kind.RUN_FAILED]
    browser.post("/settings/notices", data={"wanted": kept})
    page = Page(browser.get("/settings/notices").text)
    off = [box["value"] for box in page.all("[name=wanted]") if "checked" not in box.attributes]
    assert off == [Kind.RUN_FAILED]
    stage.fail(stage.launch(stage.dataset()), "prepare", "No text column.")
    assert told(author.id) == []
    browser.post("/settings/notices", data={})
    assert len(Page(browser.get("/settings/notices").text).all("[checked]")) == 0


def test_the_browsers_own_notices_are_a_choice_of_the_browser(browser: TestClient) -> None:
    answer = browser.post("/settings/notify", data={"notify": "on"})
    assert answer.headers["location"] == "/settings/notices"
    assert browser.cookies["notify"] == "on"
    assert "Switch off" in browser.get("/settings/notices").text


def test_telling_many_writes_one_row_each(services: Services, person: Callable[..., Actor]) -> None:
    ids = [person("viewer", f"v{number}").id for number in range(5)]
    with services.works.writing() as work:
        service.tell(
            work, [*ids, *ids], Kind.VERSION_WAITS, subject_id="mv_1", title="T", text="x" * 900, url="/"
        )
    with services.works.reading() as work:
        rows = work.session.query(Notice).all()
    assert sorted(row.user_id for row in rows) == sorted(ids)
    assert len(rows[0].text) == 500
