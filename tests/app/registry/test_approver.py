"""What the approver's pages say and do beyond one decision: the next one, all examples, files that fail."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.registry.queries import NamedVersion
from app.registry.risks import weak_parts
from app.registry.wording import brief
from tests.app.registry.test_deciding import flip_a_byte
from tests.reading import Page, shown

Register = Callable[..., NamedVersion]
Person = Callable[..., Actor]
Client = Callable[..., TestClient]


def decide(client: TestClient, number: int, word: str = "approve", status: int = 303) -> TestClient:
    form = {"decision": word, "comment": "Read and compared.", "row_version": 1}
    answer = client.post(f"/models/clothing/versions/{number}/approval", data=form)
    assert answer.status_code == status, answer.text
    return answer  # type: ignore[return-value]


def test_a_decision_leads_to_the_next_one_that_waits(
    register: Register, person: Person, browser_as: Client
) -> None:
    author = person("editor", "anna")
    register(author, step="1")
    second = register(author, step="2")
    client = browser_as("approver", "berta")
    answer = decide(client, 1, "reject")
    assert answer.headers["location"] == f"/approvals/{second.version.id}"
    assert shown(client, answer.headers["location"]).said("#toast") == (
        "clothing v1 was rejected. Next: clothing v2."
    )
    answer = decide(client, 2)
    assert answer.headers["location"] == "/models/clothing/versions/2"
    assert shown(client, "/models/clothing/versions/2").said("#toast").endswith("It can be deployed now.")


def test_the_slower_one_keeps_the_reason_that_was_typed(
    register: Register, person: Person, browser_as: Client
) -> None:
    register(person("editor", "anna"))
    decide(browser_as("approver", "berta"), 1, "reject")
    form = {"decision": "approve", "comment": "I had typed this.", "row_version": 1}
    late = browser_as("approver", "carla").post("/models/clothing/versions/1/approval", data=form)
    assert late.status_code == 409
    page = Page(late.text)
    assert page.said(".notice.bad").startswith("Already rejected by berta at ")
    assert page.said("textarea") == "I had typed this."


def test_waiting_ones_are_searched_and_everything_comes_as_a_file(
    register: Register, person: Person, browser_as: Client
) -> None:
    author = person("editor", "anna")
    register(author, step="1")
    register(author, step="2", model="shoes")
    client = browser_as("approver", "berta")
    decide(client, 1)
    page = shown(client, "/approvals?q=SHOE")
    assert [each.text for each in page.all(".inbox strong")] == ["shoes v1"]
    assert not page.all("tbody tr")
    rows = client.get("/approvals.json").json()["items"]
    assert [(row["model"], row["status"], row["decided_by"]) for row in rows] == [
        ("shoes", "PendingManualApproval", None),
        ("clothing", "Approved", "berta"),
    ]
    assert client.get("/approvals.csv?q=clothing").text.count("\r\n") == 2


def test_all_examples_can_be_reached_and_taken_along(
    register: Register, person: Person, browser_as: Client, approve: Callable[..., None]
) -> None:
    author = person("editor", "anna")
    approve(register(author, step="1", taught=12), person("approver", "boss"))
    second = register(author, step="2")
    client = browser_as("approver", "berta")
    client.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    first = shown(client, f"/approvals/{second.version.id}")
    url = first.one("section[aria-labelledby=h-ex] .more a")["href"]
    page = shown(client, url)
    gained = page.one(".tabs a[aria-current]").text
    rows = client.get(f"{url}.json?kind=gained").json()["items"]
    assert gained == f"Now right {len(rows)}"
    assert len(rows) > 3
    assert all(row["predicted"] == row["label"] != row["today"] for row in rows)
    lost = client.get(f"{url}.json?kind=lost").json()["items"]
    assert all(row["today"] == row["label"] != row["predicted"] for row in lost)


def test_without_a_live_version_the_examples_are_right_and_wrong_ones(
    register: Register, person: Person, browser_as: Client
) -> None:
    named = register(person("editor", "anna"))
    client = browser_as("viewer")
    counts = [
        client.get(f"/approvals/{named.version.id}/examples.json?kind={kind}").json()["total"]
        for kind in ("wrong", "right")
    ]
    assert sum(counts) == named.version.evaluation["n"]


def test_answers_that_can_not_be_read_are_said_so_and_nothing_is_compared(
    register: Register, person: Person, browser_as: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    sha256 = named.version.evidence["evaluation"]["predictions"]["sha256"]
    services.storage.local_path(sha256).write_bytes(b"PAR1 no longer")
    client = browser_as("approver", "berta")
    page = shown(client, f"/approvals/{named.version.id}")
    assert "can’t be read: their file has changed" in page.said(".notice.bad")
    assert not page.all(".verdict")
    assert client.get(f"/approvals/{named.version.id}/examples").status_code == 409
    decide(client, 1, status=409)


def test_answers_that_are_gone_are_said_so(
    register: Register, person: Person, browser_as: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    sha256 = named.version.evidence["evaluation"]["predictions"]["sha256"]
    services.storage.local_path(sha256).unlink()
    client = browser_as("approver", "berta")
    page = shown(client, f"/approvals/{named.version.id}")
    assert "predictions.parquet is no longer stored" in page.said(".notice.bad")
    decide(client, 1, status=404)
    assert "no longer stored" in client.get("/models/clothing/versions/1").text


def test_the_author_of_a_void_version_is_told_why(
    register: Register, person: Person, browser_as: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    flip_a_byte(services, named, "spec.json")
    client = browser_as("approver", "berta")
    decide(client, 1, status=409)
    page = shown(client, f"/approvals/{named.version.id}")
    assert "nobody can approve it" in page.said(".notice.bad")


@pytest.mark.parametrize(
    ("answered", "before", "change", "better"), [(0.87, 0.84, -3, True), (0.80, 0.84, 4, False)]
)
def test_reviews_for_a_person_are_the_third_number_where_they_were_counted(
    register: Register, person: Person, answered: float, before: float, change: int, better: bool
) -> None:
    version = register(person("editor", "anna")).version
    whole = {**version.evaluation, "coverage": [{"threshold": 0.7, "answered": answered}]}
    earlier = {**version.evaluation, "coverage": [{"threshold": 0.7, "answered": before}]}
    figure = brief(version, None, None, whole, earlier).figures[2]
    assert (figure.title, figure.value) == ("Reviews a person must read", round(100 - answered * 100))
    assert figure.change == change
    assert ((figure.change > 0) != figure.fewer_is_better) is better
    assert brief(version, None, None).figures[2].title == "Score, every kind counted alike"


def test_weak_and_small_parts_of_the_test_are_risks() -> None:
    evaluation = {
        "metrics": {"accuracy": {"value": 0.8}},
        "slices": [
            {"slice": "Jackets", "n": 88, "accuracy": {"value": 0.6, "low": 0.5, "high": 0.7}},
            {"slice": "Tops", "n": 90, "accuracy": {"value": 0.78, "low": 0.7, "high": 0.86}},
            {"slice": "Trend", "n": 6, "accuracy": {"value": 0.1, "low": 0.0, "high": 0.4}},
        ],
    }
    assert [risk.title for risk in weak_parts(evaluation)] == [
        "Weaker on Jackets",
        "Too few to judge: Trend (6)",
    ]
    assert weak_parts({}) == []
