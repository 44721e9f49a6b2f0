import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.endpoints import loaded
from app.registry.queries import NamedVersion
from ml.serving.predictor import Prediction, Predictor, ReviewInput
from tests.app.registry.test_deciding import actions, flip_a_byte

Client = Callable[..., TestClient]
URL = "/api/v1/endpoints/shop/predict"
BAD = "The dress is torn and itchy"


@pytest.fixture
def live(
    register: Callable[..., NamedVersion],
    approve: Callable[[NamedVersion, Actor], None],
    person: Callable[..., Actor],
    as_role: Client,
) -> Callable[..., NamedVersion]:
    """``live(fields=…)``: an approved version that the endpoint ``shop`` answers with."""

    def deployed(**options: Any) -> NamedVersion:
        named = register(person("editor", "anna"), **options)
        approve(named, person("approver", "berta"))
        answer = as_role("editor", "deployer").post(
            "/api/v1/endpoints/shop/deployments", json={"model": "clothing", "version": 1}
        )
        assert answer.json()["state"] == "ready", answer.text
        return named

    return deployed


def direct(services: Services, named: NamedVersion, tmp_path: Path) -> Predictor:
    """The version's files, loaded past the web application."""
    for entry in named.version.evidence["model"]:
        (tmp_path / entry["path"]).symlink_to(services.storage.local_path(entry["sha256"]))
    return Predictor.load(tmp_path)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.05)


def test_the_answer_has_the_promised_shape_and_the_models_own_scores(
    live: Callable[..., NamedVersion], as_role: Client, services: Services, tmp_path: Path
) -> None:
    named = live()
    answer = as_role("viewer").post(
        URL,
        json={
            "inputs": [BAD, {"text": "A lovely soft sweater", "title": "Perfect"}],
            "parameters": {"top_k": 2, "threshold": 0.999},
            "metadata": {"department": "Tops"},
        },
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"model", "request_id", "latency_ms", "predictions"}
    assert body["model"] == {"name": "clothing", "version": 1}
    assert body["request_id"] == answer.headers["X-Request-ID"]
    (tmp_path / "direct").mkdir()
    expected = direct(services, named, tmp_path / "direct").predict(
        [ReviewInput(BAD), ReviewInput("A lovely soft sweater", "Perfect")]
    )
    for found, wanted in zip(body["predictions"], expected, strict=True):
        assert set(found) == {"id", "label", "score", "scores", "tokens", "truncated", "needs_review"}
        assert found["label"] == wanted.label
        assert len(found["scores"]) == 2
        assert found["scores"][0] == {"label": wanted.label, "score": found["score"]}
        for entry in found["scores"]:
            assert entry["score"] == pytest.approx(wanted.scores[entry["label"]], abs=1e-6)
        assert found["needs_review"] is (found["score"] < 0.999)
        assert found["tokens"] == wanted.tokens
    assert body["predictions"][0]["label"] == "-1"
    assert len({found["id"] for found in body["predictions"]}) == 2


def test_without_parameters_all_labels_come_and_nobody_needs_to_look(
    live: Callable[..., NamedVersion], as_role: Client
) -> None:
    live()
    (found,) = as_role("viewer").post(URL, json={"inputs": [BAD]}).json()["predictions"]
    assert {entry["label"] for entry in found["scores"]} == {"-1", "0", "1"}
    assert sum(entry["score"] for entry in found["scores"]) == pytest.approx(1)
    assert found["needs_review"] is False


def test_a_long_review_says_that_it_was_cut(live: Callable[..., NamedVersion], as_role: Client) -> None:
    live(limit=16)
    text = " ".join(["dress"] * 40)
    (found,) = as_role("viewer").post(URL, json={"inputs": [text]}).json()["predictions"]
    assert (found["tokens"], found["truncated"]) == (40, True)


def test_a_title_counts_only_for_a_version_that_reads_it(
    live: Callable[..., NamedVersion], as_role: Client
) -> None:
    live(fields=("text", "title"))
    client = as_role("viewer")
    titles = ["torn itchy returned", "lovely gorgeous perfect"]
    answer = client.post(URL, json={"inputs": [{"text": "The dress", "title": title} for title in titles]})
    assert [found["label"] for found in answer.json()["predictions"]] == ["-1", "1"]


MISFITS: list[tuple[object, str]] = [
    ({"inputs": []}, "inputs"),
    ({"inputs": "a bare string"}, "inputs"),
    ({"inputs": [""]}, "inputs.0.text"),
    ({"inputs": ["fine", " \n "]}, "inputs.1.text"),
    ({"inputs": [{"title": "no text"}]}, "inputs.0.text"),
    ({"inputs": [5]}, "inputs.0"),
    ({"inputs": ["x"] * 65}, "inputs"),
    ({"inputs": ["x" * 20_001]}, "inputs.0.text"),
    ({"inputs": ["x"], "parameters": {"top_k": 0}}, "parameters.top_k"),
    ({"inputs": ["x"], "parameters": {"threshold": 1.5}}, "parameters.threshold"),
    ({"inputs": ["x"], "parameters": {"temperature": 1}}, "parameters.temperature"),
    ({"inputs": ["x"], "model": "other"}, "model"),
    ({}, "inputs"),
    ([], "the body"),
]


def test_a_request_that_does_not_fit_says_where(live: Callable[..., NamedVersion], as_role: Client) -> None:
    live()
    client = as_role("viewer")
    for body, place in MISFITS:
        answer = client.post(URL, json=body)
        assert answer.status_code == 422, place
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["place"] == place
        assert answer.json()["advice"]


def test_a_body_that_is_no_json(live: Callable[..., NamedVersion], as_role: Client) -> None:
    live()
    client = as_role("viewer")
    for body in (b"", b"{", b'{"inputs": ["\xff"]}', b'{"inputs": ["\\ud800"]}'):
        assert client.post(URL, content=body).status_code == 422, body


def test_a_huge_body_is_refused(live: Callable[..., NamedVersion], as_role: Client) -> None:
    live()
    answer = as_role("viewer").post(URL, content=b" " * 3_000_000)
    assert answer.status_code == 413


def test_nobody_predicts_without_signing_in(live: Callable[..., NamedVersion], client: TestClient) -> None:
    live()
    assert client.post(URL, json={"inputs": [BAD]}).status_code == 401


def test_a_full_queue_is_refused_with_a_time_to_come_back_and_recovers(
    live: Callable[..., NamedVersion], as_role: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    live()
    client = as_role("viewer")
    busy, go_on = threading.Event(), threading.Event()
    compute = Predictor.predict

    def held(self: Predictor, inputs: Sequence[ReviewInput]) -> list[Prediction]:
        busy.set()
        assert go_on.wait(20)
        return compute(self, inputs)

    monkeypatch.setattr(loaded, "WAITING_LIMIT", 8)
    monkeypatch.setattr(Predictor, "predict", held)
    codes: list[int] = []
    first = threading.Thread(
        target=lambda: codes.append(client.post(URL, json={"inputs": [BAD] * 8}).status_code)
    )
    first.start()
    assert busy.wait(20)
    refused = client.post(URL, json={"inputs": [BAD]})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    go_on.set()
    first.join()
    assert codes == [200]
    assert client.post(URL, json={"inputs": [BAD]}).status_code == 200


def test_one_flipped_byte_is_refused_at_the_next_start_and_voids_the_version(
    live: Callable[..., NamedVersion], as_role: Client, services: Services
) -> None:
    named = live()
    flip_a_byte(services, named, "model.onnx")
    client = as_role("approver", "starts-anew")  # its own event loop: a web process that starts now
    answer = client.post(URL, json={"inputs": [BAD]})
    assert answer.status_code == 409
    assert "model.onnx has changed" in answer.json()["detail"]
    assert client.get("/api/v1/models/clothing/versions/1").json()["validity"] == "voided"
    assert actions(services, named.version.id)[-1] == "model_version.voided"
    shown = client.get("/api/v1/endpoints/shop").json()
    assert shown["state"] == "failed"
    assert "model.onnx has changed" in shown["reason"]
    again = client.post("/api/v1/endpoints/shop/deployments", json={"model": "clothing", "version": 1})
    assert again.status_code == 409


def test_a_version_whose_approval_is_taken_back_stops_answering(
    live: Callable[..., NamedVersion], as_role: Client
) -> None:
    named = live()
    client = as_role("approver", "carla")
    assert client.post(URL, json={"inputs": [BAD]}).status_code == 200
    seen = client.get("/api/v1/models/clothing/versions/1").json()["row_version"]
    assert named.version.number == 1
    client.post(
        "/api/v1/models/clothing/versions/1/approval",
        json={"decision": "reject", "comment": "It insults customers.", "row_version": seen},
    )
    wait_until(lambda: client.post(URL, json={"inputs": [BAD]}).status_code == 409)


def test_a_web_process_that_starts_loads_what_is_live(
    live: Callable[..., NamedVersion], as_role: Client
) -> None:
    live()
    client = as_role("viewer")  # its own event loop, which has loaded nothing yet
    wait_until(lambda: client.get("/api/v1/endpoints/shop").json()["state"] == "ready")
    assert client.post(URL, json={"inputs": [BAD]}).status_code == 200
