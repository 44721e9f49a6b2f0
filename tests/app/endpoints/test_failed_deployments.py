"""A deployment that can't be loaded leaves the version before it answering, as long as that one may."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.services import Services
from app.endpoints import loaded, serving
from ml.serving.predictor import BrokenModel, Predictor
from tests.app.endpoints.test_only_predictions import until
from tests.reading import shown

PREDICT = "/api/v1/endpoints/shop/predict"
REVIEW = {"inputs": ["lovely"]}


@pytest.fixture
def replaced(deployer: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """v1 answers on ``shop``; v2, which reads titles, was deployed after it and can't be loaded."""

    class Choosy(Predictor):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            if "title" in self.fields:
                raise BrokenModel("The model's ONNX file is damaged.")

    monkeypatch.setattr(loaded, "Predictor", Choosy)
    deployer.post("/deployments", data={"endpoint": "shop", "pick": "clothing@2"})
    return deployer


def answering(client: TestClient) -> tuple[int, int | None]:
    answer = client.post(PREDICT, json=REVIEW)
    return answer.status_code, answer.json().get("model", {}).get("version")


def test_the_version_before_goes_on_answering_and_the_page_says_so(replaced: TestClient) -> None:
    assert answering(replaced) == (200, 1)
    page = shown(replaced, "/endpoints/shop")
    assert "clothing v2 was deployed and can’t be loaded." in page.text
    assert "clothing v1 goes on answering." in page.text
    assert replaced.get("/api/v1/endpoints/shop").json()["state"] == "failed"
    assert answering(replaced) == (200, 1)


def test_once_it_can_be_loaded_it_takes_over(replaced: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "Predictor", Predictor)
    monkeypatch.setattr(serving, "AGAIN_SECONDS", 0.0)  # it is tried again at the next look
    until(lambda: answering(replaced) == (200, 2), "version 2")


def test_the_version_before_stops_when_its_approval_is_taken_back(
    replaced: TestClient, services: Services, as_role: Callable[..., TestClient]
) -> None:
    body = {"decision": "reject", "comment": "It was wrong.", "row_version": 2}
    assert (
        as_role("approver").post("/api/v1/models/clothing/versions/1/approval", json=body).status_code == 200
    )
    until(lambda: answering(replaced)[0] == 503, "the rejection")
