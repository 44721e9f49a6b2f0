import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.accounts.queries import user_by_name
from app.core.security import Actor
from app.core.services import Services
from app.registry.queries import NamedVersion
from tests.app.registry.test_deciding import flip_a_byte

Register = Callable[..., NamedVersion]
Person = Callable[..., Actor]
Client = Callable[..., TestClient]
DECIDE = "/models/clothing/versions/1/approval"


def shown(client: TestClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return answer.text


def test_empty_pages_say_what_would_fill_them(browser_as: Client) -> None:
    client = browser_as("viewer")
    assert "No model yet" in shown(client, "/models")
    assert "Nothing waits for a decision" in shown(client, "/approvals")
    assert "No endpoint yet" in shown(client, "/endpoints")


def test_an_approver_reads_and_approves_without_a_script(
    register: Register, person: Person, browser_as: Client
) -> None:
    named = register(person("editor", "anna"))
    client = browser_as("approver", "berta")
    assert f"/approvals/{named.version.id}" in shown(client, "/approvals")
    page = shown(client, f"/approvals/{named.version.id}")
    assert "plain word counting" in page
    assert "Unhappy customers recognised" in page
    assert len(re.findall(r'<td class="lead">', page)) >= 8  # real reviews with the answers to them
    assert "bought number" in page
    seen = re.search(r'name="row_version" value="(\d+)"', page)
    assert seen
    form = {"decision": "approve", "comment": "I read the examples.", "row_version": seen[1]}
    answer = client.post(DECIDE, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/models/clothing/versions/1")
    version = shown(client, "/models/clothing/versions/1")
    assert "I read the examples." in version
    assert 'action="/deployments"' in version
    assert "Nothing waits for a decision" in shown(client, "/approvals")


def test_a_missing_comment_is_asked_for_and_nothing_is_decided(
    register: Register, person: Person, browser_as: Client
) -> None:
    named = register(person("editor", "anna"))
    client = browser_as("approver")
    answer = client.post(DECIDE, data={"decision": "approve", "comment": " ", "row_version": 1})
    assert answer.status_code == 422
    assert "A decision needs a comment." in answer.text
    assert 'value="approve"' in shown(client, f"/approvals/{named.version.id}")


def test_the_slower_of_two_approvers_reads_who_was_faster_and_keeps_the_comment(
    register: Register, person: Person, browser_as: Client
) -> None:
    register(person("editor", "anna"))
    form = {"decision": "reject", "comment": "Too many unhappy customers missed.", "row_version": 1}
    assert browser_as("approver", "berta").post(DECIDE, data=form).status_code == 303
    late = browser_as("approver", "carla").post(DECIDE, data={**form, "decision": "approve"})
    assert late.status_code == 409
    assert "Already rejected by berta at " in late.text


@pytest.mark.parametrize(
    ("role", "why"), [("viewer", "needs the role approver"), ("editor", "needs the role")]
)
def test_who_may_not_decide_reads_why(
    register: Register, person: Person, browser_as: Client, role: str, why: str
) -> None:
    named = register(person("editor", "anna"))
    client = browser_as(role, "carla")
    page = shown(client, f"/approvals/{named.version.id}")
    assert why in page
    assert 'name="decision"' not in page
    assert (
        client.post(DECIDE, data={"decision": "approve", "comment": "x", "row_version": 1}).status_code == 403
    )


def test_the_author_reads_that_somebody_else_decides(
    register: Register, person: Person, browser_as: Client, services: Services
) -> None:
    person("approver", "berta")
    client = browser_as("approver", "anna")
    with services.works.reading() as work:
        user = user_by_name(work.session, "anna")
    assert user is not None
    named = register(Actor(user.id, user.name, user.permitted))
    page = shown(client, f"/approvals/{named.version.id}")
    assert "so somebody else decides on it" in page
    assert 'name="decision"' not in page


def test_a_candidate_is_shown_against_the_live_version(
    register: Register, person: Person, browser_as: Client, approve: Callable[..., None]
) -> None:
    author, boss = person("editor", "anna"), person("approver", "boss")
    approve(register(author, step="1", taught=12), boss)
    second = register(author, step="2")
    client = browser_as("approver", "berta")
    deployed = client.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    assert deployed.status_code == 303
    page = shown(client, f"/approvals/{second.version.id}")
    assert "would replace" in page
    assert "today’s model" in page
    assert "Now right" in page
    assert "v1, live" in shown(client, "/models/clothing/versions/2")


def test_a_file_comes_down_as_it_is_stored(
    register: Register, person: Person, browser_as: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    client = browser_as("viewer")
    answer = client.get("/models/clothing/versions/1/files/spec.json")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="clothing-v1-spec.json"'
    entry = next(each for each in named.version.evidence["model"] if each["path"] == "spec.json")
    assert answer.content == services.storage.read_bytes(entry["sha256"])
    for path in ("none", "../spec.json", "..%2f..%2fmain.db", "/etc/passwd"):
        assert client.get(f"/models/clothing/versions/1/files/{path}").status_code == 404


def test_a_void_version_says_so_on_every_page(
    register: Register, person: Person, browser_as: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    flip_a_byte(services, named, "model.onnx")
    client = browser_as("approver")
    refused = client.post(DECIDE, data={"decision": "approve", "comment": "Fine.", "row_version": 1})
    assert refused.status_code == 409
    assert "model.onnx has changed" in refused.text
    assert "model.onnx has changed" in shown(client, "/models/clothing/versions/1")
    assert "Voided" in shown(client, "/models")
    assert "Nothing waits for a decision" in shown(client, "/approvals")
