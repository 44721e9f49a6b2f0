import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.accounts.audit_queries import AuditFilter, list_audit
from app.core.lineage import used_by
from app.core.security import Actor
from app.core.services import Services
from app.registry.queries import NamedVersion

Register = Callable[..., NamedVersion]
Approve = Callable[[NamedVersion, Actor], None]
Client = Callable[..., TestClient]
URL = "/api/v1/endpoints/shop/deployments"


@pytest.fixture
def two(register: Register, approve: Approve, person: Callable[..., Actor]) -> list[NamedVersion]:
    """Two approved versions of one model."""
    author, approver = person("editor", "anna"), person("approver", "berta")
    made = [register(author, step="1", taught=20), register(author, step="2")]
    for named in made:
        approve(named, approver)
    return made


def deploy(client: TestClient, number: int, endpoint: str = "shop") -> Any:
    return client.post(
        f"/api/v1/endpoints/{endpoint}/deployments", json={"model": "clothing", "version": number}
    )


def test_an_approved_version_makes_a_new_endpoint_and_is_loaded_when_the_answer_comes(
    two: list[NamedVersion], as_role: Client, services: Services
) -> None:
    client = as_role("editor")
    answer = deploy(client, 1)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["endpoint"], body["model"], body["version"]) == ("shop", "clothing", 1)
    assert body["state"] == "ready"
    assert client.get("/api/v1/models/clothing/versions/1").json()["live_on"] == ["shop"]
    shown = client.get("/api/v1/endpoints/shop").json()
    assert shown["live"]["version"] == 1
    with services.works.reading() as work:
        edges = used_by(work.session, two[0].version.id)
        audit = list_audit(work.session, AuditFilter(subject_id=shown["id"])).items
    assert [(edge.target_id, edge.relation) for edge in edges] == [(shown["id"], "deployed_to")]
    assert [entry.action for entry in audit] == ["endpoint.deployed", "endpoint.created"]


def test_the_next_version_takes_over_and_the_one_before_can_come_back(
    two: list[NamedVersion], as_role: Client
) -> None:
    client = as_role("editor")
    for number in (1, 2, 1):
        assert deploy(client, number).status_code == 201
        answer = client.post("/api/v1/endpoints/shop/predict", json={"inputs": ["lovely"]})
        assert answer.json()["model"] == {"name": "clothing", "version": number}
    history = client.get("/api/v1/endpoints/shop").json()["deployments"]
    assert [each["version"] for each in history] == [1, 2, 1]
    assert [each["retired_at"] is None for each in history] == [True, False, False]
    assert client.get("/api/v1/models/clothing/versions/2").json()["live_on"] == []


def test_deploying_what_is_live_already_records_nothing(two: list[NamedVersion], as_role: Client) -> None:
    client = as_role("editor")
    first, second = deploy(client, 1).json(), deploy(client, 1).json()
    assert first["id"] == second["id"]
    assert len(client.get("/api/v1/endpoints/shop").json()["deployments"]) == 1


def test_a_version_nobody_approved_is_not_deployed(
    register: Register, person: Callable[..., Actor], as_role: Client
) -> None:
    register(person("editor", "anna"))
    client = as_role("editor")
    answer = deploy(client, 1)
    assert answer.status_code == 409
    assert "PendingManualApproval, not Approved" in answer.json()["detail"]
    assert client.get("/api/v1/endpoints").json()["items"] == []


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("editor", 201)])
def test_who_may_deploy(two: list[NamedVersion], as_role: Client, role: str, status: int) -> None:
    assert deploy(as_role(role), 1).status_code == status


def test_a_name_that_is_none(two: list[NamedVersion], as_role: Client) -> None:
    client = as_role("editor")
    for name in ("Shop", "a b", "-shop", "shop-", "é", "x" * 64, "shop.prod"):
        assert deploy(client, 1, name).status_code == 422, name


def test_what_does_not_exist_is_not_found(two: list[NamedVersion], as_role: Client) -> None:
    client = as_role("editor")
    assert deploy(client, 9).status_code == 404
    assert client.get("/api/v1/endpoints/none").status_code == 404
    assert client.post("/api/v1/endpoints/none/predict", json={"inputs": ["x"]}).status_code == 404


def test_two_endpoints_may_answer_with_the_same_version(two: list[NamedVersion], as_role: Client) -> None:
    client = as_role("editor")
    deploy(client, 1, "shop")
    deploy(client, 1, "lab")
    assert client.get("/api/v1/models/clothing/versions/1").json()["live_on"] == ["lab", "shop"]
    deploy(client, 2, "lab")
    assert client.get("/api/v1/models/clothing/versions/1").json()["live_on"] == ["shop"]
    listed = client.get("/api/v1/endpoints").json()["items"]
    assert [(each["name"], each["live"]["version"], each["state"]) for each in listed] == [
        ("lab", 2, "ready"),
        ("shop", 1, "ready"),
    ]


def test_no_prediction_is_lost_while_versions_change(two: list[NamedVersion], as_role: Client) -> None:
    client = as_role("editor")
    deploy(client, 1)
    stop = threading.Event()
    codes: list[int] = []

    def predict() -> None:
        while not stop.is_set():
            answer = client.post("/api/v1/endpoints/shop/predict", json={"inputs": ["lovely"]})
            codes.append(answer.status_code)

    callers = [threading.Thread(target=predict) for _ in range(3)]
    for caller in callers:
        caller.start()
    for number in (2, 1, 2, 1, 2):
        assert deploy(client, number).json()["version"] == number
    stop.set()
    for caller in callers:
        caller.join()
    assert len(codes) > 5
    assert set(codes) == {200}
    answer = client.post("/api/v1/endpoints/shop/predict", json={"inputs": ["lovely"]})
    assert answer.json()["model"]["version"] == 2
