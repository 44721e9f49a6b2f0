from collections.abc import Callable
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.registry.queries import NamedVersion
from tests.reading import Page, shown


def test_the_endpoint_shows_what_is_live_and_rolls_back(deployer: TestClient) -> None:
    assert "In service" in deployer.get("/endpoints").text
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    page = deployer.get("/endpoints/shop").text
    assert "Roll back to v1" in page
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    assert "Roll back to v2" in deployer.get("/endpoints/shop").text


def test_a_choice_that_is_none(deployer: TestClient) -> None:
    for pick in ("", "clothing", "@1", "clothing@one", "clothing@-1", "clothing@" + "9" * 30):
        answer = deployer.post("/deployments", data={"endpoint": "shop", "pick": pick})
        assert answer.status_code == 422, pick


def test_an_endpoint_that_is_not_there(deployer: TestClient) -> None:
    for url in ("/endpoints/none", "/predict/none", "/endpoints/none/deployments.csv"):
        assert deployer.get(url).status_code == 404
    for deed in ("stop", "deletion"):
        assert deployer.post(f"/endpoints/none/{deed}").status_code == 404


def test_a_deployment_is_told_once(deployer: TestClient) -> None:
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    assert shown(deployer, "/endpoints/shop").said("#toast") == "clothing v2 answers on shop."
    assert not shown(deployer, "/endpoints/shop").all("#toast")


def test_going_back_is_asked_before_it_is_done(deployer: TestClient) -> None:
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    question = next(
        form for form in shown(deployer, "/endpoints/shop").all("details form") if "Roll" in form.text
    )
    assert "Roll shop back to clothing v1?" in question.text
    assert "replaces clothing v2" in question.text
    fields = {field["name"]: field["value"] for field in question.all("input[name]")}
    deployer.post(question["action"], data=fields)
    assert "clothing v1" in shown(deployer, "/endpoints/shop").said(".meta")


def test_versions_that_are_not_offered_say_why(
    deployer: TestClient, register: Callable[..., NamedVersion], person: Callable[..., Actor]
) -> None:
    third = register(person("editor", "carl"), step="3")
    page = shown(deployer, "/endpoints/shop")
    assert [option["value"] for option in page.all("#f-pick option")] == ["clothing@2"]
    assert page.said(".fold dl") == "clothing v3 nobody has decided on it yet"
    assert page.one(".fold dl a")["href"] == f"/approvals/{third.version.id}"


def test_what_was_live_at_a_moment(deployer: TestClient) -> None:
    before = deployer.get("/api/v1/endpoints/shop").json()["live"]["created_at"]
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    first = shown(deployer, f"/endpoints/shop?at={quote(before)}")
    assert "clothing v1 answered here, deployed by emil" in first.said("#was-live")
    assert "live until" in first.said("#was-live")
    assert "nothing answered here" in shown(deployer, "/endpoints/shop?at=2020-01-01T10:00").said("#was-live")
    program = deployer.get("/api/v1/endpoints/shop/live", params={"at": before}).json()
    assert (program["live"]["version"], program["live"]["by"]["name"]) == (1, "emil")
    assert deployer.get("/api/v1/endpoints/shop/live").json()["live"]["version"] == 2


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("yesterday", "is no time"),
        ("9999-12-31T23:00", "still to come"),
        ("0001-01-01T00:00+10:00", "too far away"),
    ],
)
def test_a_moment_that_is_none_is_said_so(deployer: TestClient, moment: str, why: str) -> None:
    answer = deployer.get("/endpoints/shop", params={"at": moment})
    assert answer.status_code == 422
    assert why in Page(answer.text).said("#f-at-error")


def test_a_stopped_endpoint_answers_nothing_and_starts_again(deployer: TestClient) -> None:
    deployer.post("/predict/shop", data={"text": "The skirt is torn"})
    question = shown(deployer, "/endpoints/shop").one("#stop form")
    assert "by emil (1)" in question.text
    assert deployer.post(question["action"]).headers["location"] == "/endpoints/shop"
    stopped = shown(deployer, "/endpoints/shop")
    assert "Stopped" in stopped.said("h1")
    assert stopped.all("tbody tr")[0].text.count("emil") == 2  # deployed by, ended by
    tried = deployer.get("/predict/shop")
    assert tried.status_code == 409
    assert "shop is stopped: no version answers there." in tried.text
    assert deployer.post("/endpoints/shop/stop").status_code == 409
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@1"})
    assert deployer.post("/predict/shop", data={"text": "The skirt is torn"}).status_code == 200


def test_a_deleted_endpoint_keeps_its_history_off_the_list(deployer: TestClient) -> None:
    assert deployer.post("/endpoints/shop/deletion").headers["location"] == "/endpoints"
    assert "No endpoint yet" in deployer.get("/endpoints").text
    assert shown(deployer, "/endpoints?archived=1").said("tbody td a") == "shop"
    page = shown(deployer, "/endpoints/shop")
    assert "Deleted" in page.said("h1")
    assert len(page.all("tbody tr")) == 1
    assert deployer.get("/predict/shop").status_code == 404
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    assert [row.text for row in shown(deployer, "/endpoints").all("tbody td b")] == ["shop"]


def test_a_viewer_may_look_but_not_stop(deployer: TestClient, browser_as: Callable[..., TestClient]) -> None:
    viewer = browser_as("viewer", "vera")
    page = shown(viewer, "/endpoints/shop")
    assert not page.all("main form[method=post]")
    for deed in ("stop", "deletion"):
        assert viewer.post(f"/endpoints/shop/{deed}").status_code == 403
    assert viewer.delete("/api/v1/endpoints/shop").status_code == 403


def test_programs_stop_and_delete(deployer: TestClient, as_role: Callable[..., TestClient]) -> None:
    program = as_role("editor")
    assert program.post("/api/v1/endpoints/shop/stop").json()["state"] == "stopped"
    assert program.delete("/api/v1/endpoints/shop").status_code == 204
    assert program.get("/api/v1/endpoints").json()["items"] == []
    assert program.get("/api/v1/endpoints/shop").json()["deleted_at"] is not None


def test_the_list_is_searched_and_comes_as_a_file(deployer: TestClient) -> None:
    deployer.post("/deployments", data={"endpoint": "trial", "pick": "clothing@2"})
    page = shown(deployer, "/endpoints?q=TRI")
    assert [row.text for row in page.all("tbody td b")] == ["trial"]
    files = {link.text: link["href"] for link in page.all(".pages a")}
    rows = deployer.get(files["JSON"]).json()["items"]
    assert [(row["name"], row["state"], row["version"]) for row in rows] == [("trial", "ready", 2)]
    assert deployer.get(files["CSV"]).text.splitlines()[1].split(",")[1] == "trial"
    assert "No endpoint matches" in deployer.get("/endpoints?q=none").text


def test_all_deployments_come_as_a_file(deployer: TestClient) -> None:
    for number in (2, 1, 2):
        deployer.post("/deployments", data={"endpoint": "shop", "pick": f"clothing@{number}"})
    rows = deployer.get("/endpoints/shop/deployments.json").json()["items"]
    assert [row["version"] for row in rows] == [2, 1, 2, 1]
    assert [row["ended_by"] for row in rows] == [None, "emil", "emil", "emil"]


def test_what_was_asked_is_counted(deployer: TestClient, as_role: Callable[..., TestClient]) -> None:
    deployer.post("/predict/shop", data={"text": "The skirt is torn"})
    page = shown(deployer, "/endpoints/shop")
    assert page.said(".stats dd").startswith("1 1 reviews since")
    assert "emil 1 request" in page.text
    assert deployer.get("/endpoints.json").json()["items"][0]["requests"] == 1
