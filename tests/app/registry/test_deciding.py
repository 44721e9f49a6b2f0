import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.accounts.audit_queries import AuditFilter, list_audit
from app.core.errors import FittingRoomError
from app.core.security import Actor
from app.core.services import Services
from app.registry import approval, queries
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus

pytestmark = pytest.mark.both_databases

Register = Callable[..., NamedVersion]
Person = Callable[..., Actor]
Client = Callable[..., TestClient]
URL = "/api/v1/models/clothing/versions/1/approval"
YES = {"decision": "approve", "comment": "It fits.", "row_version": 1}


def flip_a_byte(services: Services, named: NamedVersion, name: str) -> None:
    """The stored file keeps its name and its length, and one byte differs."""
    entry = next(each for each in named.version.evidence["model"] if each["path"] == name)
    path = services.storage.local_path(entry["sha256"])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def actions(services: Services, version_id: str) -> list[str]:
    with services.works.reading() as work:
        found = list_audit(work.session, AuditFilter(subject_id=version_id)).items
    return [entry.action for entry in reversed(found)]


def test_an_approver_approves_and_the_comment_stays(
    register: Register, person: Person, as_role: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    answer = as_role("approver").post(URL, json=YES)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "Approved"
    assert body["row_version"] == 2
    assert body["author"]["name"] == "anna"
    (decision,) = body["decisions"]
    assert decision["comment"] == "It fits."
    assert decision["by"]["name"] == "approver-program"
    assert decision["evidence_sha256"] == body["evidence_sha256"]
    assert actions(services, named.version.id) == ["model_version.registered", "model_version.approved"]


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_others_may_look_but_not_decide(
    register: Register, person: Person, as_role: Client, role: str
) -> None:
    register(person("editor", "anna"))
    client = as_role(role)
    assert client.get("/api/v1/models/clothing/versions/1").status_code == 200
    assert client.post(URL, json=YES).status_code == 403
    assert client.get("/api/v1/models/clothing/versions/1").json()["status"] == "PendingManualApproval"


@pytest.mark.parametrize("number", ["0", "-1", "2", "2147483648", "9" * 30])
def test_a_number_that_no_version_can_have_is_not_there(
    register: Register, person: Person, as_role: Client, number: str
) -> None:
    register(person("editor", "anna"))
    client = as_role("approver")
    address = f"models/clothing/versions/{number}"
    assert client.get(f"/api/v1/{address}").status_code == 404
    assert client.post(f"/api/v1/{address}/approval", json=YES).status_code == 404
    assert client.get(f"/{address}").status_code == 404


MISFITS: tuple[dict[str, Any], ...] = (
    {"comment": ""},
    {"comment": " \n\t "},
    {"comment": "x" * 5000},
    {"decision": "maybe"},
    {"row_version": None},
    {"approved_by": "me"},
)


def test_a_decision_that_does_not_fit_changes_nothing(
    register: Register, person: Person, as_role: Client
) -> None:
    register(person("editor", "anna"))
    client = as_role("approver")
    for change in MISFITS:
        answer = client.post(URL, json={**YES, **change})
        assert answer.status_code == 422, change
        assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/api/v1/models/clothing/versions/1").json()["row_version"] == 1


def test_a_decision_on_an_older_sight_is_told_who_was_faster(
    register: Register, person: Person, as_role: Client
) -> None:
    register(person("editor", "anna"))
    assert as_role("approver", "berta").post(URL, json={**YES, "decision": "Rejected"}).status_code == 200
    late = as_role("approver", "carla").post(URL, json=YES)
    assert late.status_code == 409
    assert late.json()["detail"].startswith("Already rejected by berta at ")
    assert late.json()["status_now"] == "Rejected"


def test_an_approval_can_be_taken_back_but_not_given_again(
    register: Register, person: Person, as_role: Client
) -> None:
    register(person("editor", "anna"))
    client = as_role("approver")
    client.post(URL, json=YES)
    again = client.post(URL, json={**YES, "row_version": 2})
    assert again.status_code == 409
    back = client.post(URL, json={"decision": "reject", "comment": "It was wrong.", "row_version": 2})
    assert back.status_code == 200
    assert back.json()["status"] == "Rejected"
    assert client.post(URL, json={**YES, "row_version": 3}).status_code == 409


def test_fifty_at_once_make_one_transition_and_one_audit_row(
    register: Register, person: Person, services: Services
) -> None:
    named = register(person("editor", "anna"))
    approvers = [person("approver", f"approver-{number}") for number in range(2)]
    outcomes: list[int] = []
    start = threading.Barrier(50)

    def decide(number: int) -> None:
        start.wait()
        try:
            approval.decide(
                services,
                named.version.id,
                approvers[number % 2],
                after=(ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)[number % 3 == 0],
                comment=f"decision {number}",
                row_version=1,
            )
            outcomes.append(200)
        except FittingRoomError as refusal:
            outcomes.append(refusal.status)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {200: 1, 409: 49}
    assert len(actions(services, named.version.id)) == 2
    with services.works.reading() as work:
        assert len(queries.decisions_of(work.session, named.version.id)) == 1


def test_the_author_does_not_decide_while_somebody_else_could(
    register: Register, person: Person, services: Services
) -> None:
    author = person("approver", "anna")
    named = register(author)
    decision = {"after": ApprovalStatus.APPROVED, "comment": "Mine.", "row_version": 1}
    person("approver", "berta")
    with pytest.raises(approval.OwnVersion) as refusal:
        approval.decide(services, named.version.id, author, **decision)
    assert refusal.value.status == 409
    assert "You started the run" in refusal.value.message


def test_a_lone_user_may_decide_on_their_own(register: Register, person: Person, services: Services) -> None:
    author = person("admin", "anna")
    person("editor", "berta")  # an editor could not decide instead
    named = register(author)
    done = approval.decide(
        services, named.version.id, author, after=ApprovalStatus.APPROVED, comment="Mine.", row_version=1
    )
    assert done.version.status == "Approved"


def test_the_setting_never_forbids_it_even_to_a_lone_user(
    register: Register, person: Person, services: Services
) -> None:
    services.settings.self_approval = "never"
    author = person("admin", "anna")
    named = register(author)
    with pytest.raises(approval.OwnVersion):
        approval.decide(
            services, named.version.id, author, after=ApprovalStatus.APPROVED, comment="Mine.", row_version=1
        )


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "spec.json", "config.json"])
def test_one_flipped_byte_voids_the_version_when_somebody_decides(
    register: Register, person: Person, as_role: Client, services: Services, file: str
) -> None:
    named = register(person("editor", "anna"))
    flip_a_byte(services, named, file)
    client = as_role("approver")
    answer = client.post(URL, json=YES)
    assert answer.status_code == 409
    assert file in answer.json()["detail"]
    shown = client.get("/api/v1/models/clothing/versions/1").json()
    assert shown["status"] == "PendingManualApproval"
    assert shown["validity"] == "voided"
    assert file in shown["void_reason"]
    assert actions(services, named.version.id) == ["model_version.registered", "model_version.voided"]
    # It stays void, and says so once.
    assert client.post(URL, json={**YES, "row_version": shown["row_version"]}).status_code == 409
    assert len(actions(services, named.version.id)) == 2


def test_a_changed_evaluation_or_document_voids_it_too(
    register: Register, person: Person, as_role: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    with services.works.writing() as work:
        version = queries.locked_version(work.session, named.version.id)
        assert version is not None
        document = dict(version.evidence)
        document["parameters"] = {**document["parameters"], "min_accuracy_value": 0.0}
        version.evidence = document
    answer = as_role("approver").post(URL, json=YES)
    assert answer.status_code == 409
    assert "evidence itself was changed" in answer.json()["detail"]


def test_a_file_that_is_merely_absent_refuses_but_does_not_void(
    register: Register, person: Person, as_role: Client, services: Services
) -> None:
    named = register(person("editor", "anna"))
    entry = next(each for each in named.version.evidence["model"] if each["path"] == "model.onnx")
    path = services.storage.local_path(entry["sha256"])
    aside = path.with_name("aside")
    path.rename(aside)
    client = as_role("approver")
    assert client.post(URL, json=YES).status_code == 404
    aside.rename(path)
    assert client.post(URL, json=YES).status_code == 200


def test_an_unknown_model_or_version_is_not_found(as_role: Client) -> None:
    client = as_role("approver")
    for url in ("/api/v1/models/none", "/api/v1/models/none/versions/1", "/models/none/versions/1"):
        assert client.get(url).status_code == 404
    assert client.post("/api/v1/models/none/versions/1/approval", json=YES).status_code == 404
