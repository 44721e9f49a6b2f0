"""An approved version on an endpoint of the simulator's SageMaker, which runs the real container."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.accounts.audit_queries import AuditFilter, list_audit
from app.endpoints.cloud import tending
from app.endpoints.cloud.tables import Change
from app.integrations.aws.clients import aws_of
from app.integrations.aws.tables import CloudResource
from app.registry.cloud import archive
from app.registry.service import get_version
from ml.contract.faults import InjectedFault, armed
from ml.pipeline.sagemaker.serving import ModelFile, serving_code, write_archive
from tests.app.endpoints.cloud.shop import REVIEW, URL, Shop
from tests.programs.cloud import split
from tests.programs.serving_house import make_live
from tests.reading import Page, shown

NOTHING: dict[str, list[str]] = {"endpoints": [], "configs": [], "models": []}


def test_it_is_made_answers_as_a_local_one_is_updated_and_deleted(shop: Shop) -> None:
    """One long journey, since each container takes seconds to come up."""
    asked = shop.deploy(1, instance_count=2)
    assert asked.status_code == 202, asked.text
    assert (asked.json()["state"], asked.json()["sagemaker"]["instance_type"]) == ("creating", "ml.m5.large")
    assert shop.predict().status_code == 503
    ready = shop.until("ready", "failed")
    assert (ready["state"], ready["live"]["version"], ready["compute"]) == ("ready", 1, "sagemaker")
    assert shop.predict().json()["model"] == {"name": "clothing", "version": 1}

    # The same version on this server gives the same scores, bit for bit.
    body = {"model": "clothing", "version": 1}
    assert shop.client.post("/api/v1/endpoints/here/deployments", json=body).json()["state"] == "ready"
    here = shop.client.post("/api/v1/endpoints/here/predict", json=REVIEW).json()["predictions"]
    there = shop.predict().json()["predictions"]
    assert [(each["label"], each["scores"], each["tokens"]) for each in there] == [
        (each["label"], each["scores"], each["tokens"]) for each in here
    ]

    assert shop.deploy(2).json()["state"] == "updating"
    assert shop.predict().json()["model"]["version"] == 1  # it goes on answering until the next one does
    shop.simulator.until(
        lambda: (shop.courier.look(), shop.shown()["live"])[1], lambda live: live["version"] == 2
    )
    assert shop.predict().json()["model"]["version"] == 2
    first, second = reversed(shop.shown()["deployments"])
    assert first["retired_at"] == second["created_at"]
    shop.courier.look()
    assert [len(names) for names in shop.at_aws().values()] == [1, 1, 1]  # of v1 nothing is left

    between = datetime.fromisoformat(second["created_at"]) - timedelta(microseconds=1)
    was = shop.client.get(f"{URL}/live", params={"at": between.isoformat()}).json()["live"]
    assert was["version"] == 1

    assert shop.client.delete(URL).status_code == 204
    assert shop.predict().status_code == 404
    assert shop.shown()["state"] == "deleted"
    shop.simulator.until(lambda: (shop.courier.look(), shop.at_aws())[1], lambda there: there == NOTHING)
    with shop.services.works.reading() as work:
        audit = list_audit(work.session, AuditFilter(subject_id=shop.place.endpoint.id)).items
    assert [entry.action for entry in reversed(audit)] == [
        "endpoint.created",
        "endpoint.deployment_asked",
        "endpoint.deployed",
        "endpoint.deployment_asked",
        "endpoint.deployed",
        "endpoint.stopped",
        "endpoint.deleted",
    ]


def test_the_labs_own_client_is_answered_in_json_lines(shop: Shop) -> None:
    shop.deploy(1)
    shop.until("ready")
    answer = shop.simulator.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=shop.place.row.name,
        ContentType="application/jsonlines",
        Accept="application/jsonlines",
        Body=b'{"features": ["The dress is torn and itchy"]}\n',
    )
    (ours, _) = shop.predict().json()["predictions"]
    assert json.loads(answer["Body"].read()) == {
        "probability": ours["score"],
        "predicted_label": int(ours["label"]),
    }
    shop.simulator.fail("InvokeEndpoint", "ThrottlingException", times=-1)
    throttled = shop.predict()
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "2")
    assert "SageMaker lets shop answer no more at once" in throttled.json()["detail"]
    shop.simulator.mend()
    shop.simulator.client("sagemaker").delete_endpoint(EndpointName=shop.place.row.name)
    gone = shop.until("failed", "stopped")
    assert (gone["live"], gone["sagemaker"]["deployment"]["reason"]) == (
        None,
        "It was deleted at AWS, not here.",
    )
    shop.courier.look()
    assert shop.at_aws() == NOTHING


@pytest.mark.parametrize("times", [1, 3], ids=["and asked again", "for good"])
@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_an_answer_that_is_lost_makes_nothing_twice(shop: Shop, operation: str, times: int) -> None:
    """AWS has done it and the worker never learns: what stands under the name is adopted."""
    shop.simulator.fail(operation, "Disconnect", times=times, after=True)
    shop.deploy(1)
    shop.simulator.until(
        lambda: (shop.courier.look(), shop.changes()[0].state)[1], lambda state: state in ("applied", "live")
    )
    assert [len(names) for names in shop.at_aws().values()] == [1, 1, 1]
    assert [change.reason for change in shop.changes()] == [""]


def test_a_worker_that_dies_at_any_point_is_followed_by_one_that_adopts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "LEASE_SECONDS", 0.0)  # of the dead one it has run out
    shop.deploy(1)
    mark = shop.simulator.mark()
    for point in ("create_model", "create_endpoint_config", "create_endpoint", "created_endpoint"):
        with armed(f"cloud.{point}:raise"), pytest.raises(InjectedFault):
            shop.courier.look()
    shop.courier.look()
    made = [
        call["operation"] for call in shop.simulator.calls(mark) if call["operation"].startswith("Create")
    ]
    assert sorted(made) == ["CreateEndpoint", "CreateEndpointConfig", "CreateModel"]
    assert shop.changes()[0].state in (Change.APPLIED, Change.LIVE)
    with shop.services.works.reading() as work:
        noted = {row.kind for row in work.session.scalars(select(CloudResource))}
    assert {"model", "endpoint-config", "endpoint"} <= noted


def test_a_quota_that_refuses_is_said_and_nothing_stays_behind(shop: Shop) -> None:
    limit = "The account-level service limit 'ml.p3.2xlarge for endpoint usage' is 0 Instances"
    shop.simulator.fail("CreateEndpoint", "ResourceLimitExceeded", message=limit)
    shop.deploy(1, instance_type="ml.p3.2xlarge")
    failed = shop.until("failed")
    assert "ml.p3.2xlarge for endpoint usage" in failed["reason"]
    shop.courier.look()
    assert shop.at_aws() == NOTHING
    assert failed["live"] is None
    assert "ml.p3.2xlarge" in shop.predict().json()["detail"]


def test_while_aws_is_away_it_waits_and_says_so(shop: Shop) -> None:
    shop.simulator.fail("DescribeEndpoint", "ThrottlingException", times=-1)
    shop.deploy(1)
    shop.courier.look()
    waiting = shop.shown()
    assert (waiting["state"], "AWS could not look at the endpoint now" in waiting["reason"]) == (
        "creating",
        True,
    )
    shop.simulator.mend()
    shop.simulator.until(
        lambda: (shop.courier.look(), shop.changes()[0].state)[1], lambda state: state == Change.APPLIED
    )
    shop.client.delete(URL)


def test_a_container_that_does_not_come_up_fails_with_the_services_reason(shop: Shop) -> None:
    """The next version's archive is broken in the bucket: the version before goes on answering."""
    shop.deploy(1)
    shop.until("ready")
    shop.deploy(2)
    wish = shop.place.wish
    assert wish is not None
    _break_archive(shop, wish.version.id)
    shop.simulator.until(
        lambda: (shop.courier.look(), shop.changes()[0].state)[1], lambda state: state == Change.FAILED
    )
    shown = shop.until("ready")
    assert shown["live"]["version"] == 1
    assert shown["reason"]
    assert shop.predict().json()["model"]["version"] == 1
    shop.client.delete(URL)


def _break_archive(shop: Shop, version_id: str) -> None:
    """Prepared as the courier would, with a model that is no ONNX file in the archive that it finds there."""
    with shop.services.works.reading() as work:
        named, aws = get_version(work, version_id), aws_of(shop.services, work)
    place = archive.model_data(shop.services, aws, named, archive.checked_tree(shop.services, named))
    packed = io.BytesIO()
    write_archive(
        packed,
        [ModelFile("spec.json", 2, lambda: io.BytesIO(b"{}"))],
        serving_code(),
        archive.about_of(named),
    )
    bucket, key = split(place)
    shop.simulator.client("s3").put_object(Bucket=bucket, Key=key, Body=packed.getvalue())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"instance_type": "m5.large"}, "begin with ml."),
        ({"instance_count": 21}, "21 instances can't be had"),
        ({"version": 9}, "no version 9"),
    ],
)
def test_what_cannot_be_asked_for(shop: Shop, body: dict[str, object], words: str) -> None:
    answer = shop.deploy(1, **body) if "version" not in body else shop.deploy(9)
    assert answer.status_code in (404, 422), answer.text
    assert words in answer.json()["detail"]


def test_names_belong_to_one_place_only(shop: Shop) -> None:
    local = {"model": "clothing", "version": 1}
    shop.client.post("/api/v1/endpoints/here/deployments", json=local)
    body = {**local, "compute": "sagemaker"}
    elsewhere = shop.client.post("/api/v1/endpoints/here/deployments", json=body)
    assert elsewhere.json()["title"] == "The endpoint stands elsewhere"
    shop.deploy(1)
    here = shop.client.post(f"{URL}/deployments", json=local)
    assert (here.status_code, here.json()["title"]) == (409, "The endpoint stands on SageMaker")
    assert shop.client.post(f"{URL}/stop").json()["state"] == "stopped"
    shop.courier.look()
    assert shop.at_aws() == NOTHING


def test_what_an_approver_takes_back_is_not_asked_any_more(
    shop: Shop, as_role: Callable[..., TestClient]
) -> None:
    shop.deploy(1)
    shop.until("ready")
    body = {"decision": "reject", "comment": "It was wrong.", "row_version": 2}
    assert (
        as_role("approver").post("/api/v1/models/clothing/versions/1/approval", json=body).status_code == 200
    )
    refused = shop.predict()
    assert (refused.status_code, "serves nothing" in refused.json()["detail"]) == (409, True)
    shop.client.delete(URL)


def test_the_form_says_why_sagemaker_did_not_answer_and_keeps_the_text(
    shop: Shop, browser_as: Callable[..., TestClient]
) -> None:
    """It is live as far as we know, and somebody has just deleted it there."""
    shop.deploy(1)
    make_live(shop.services, "shop")
    browser = browser_as("editor", "emil")
    assert "SageMaker, us-east-1" in browser.get("/predict/shop").text
    answer = browser.post("/predict/shop", data={"text": "itchy and torn"})
    assert answer.status_code == 409
    page = Page(answer.text)
    assert "AWS can't ask shop: Endpoint" in page.said("[role=alert]")
    assert page.said("#f-text") == "itchy and torn"
    assert "$0.115 an hour" in browser.get("/endpoints").text
    facts = shown(browser, "/endpoints/shop").text
    assert "1 × ml.m5.large" in facts
    assert "$0.115 an hour" in facts


def test_a_page_that_shows_it_at_work_looks_again_until_it_is_done(
    shop: Shop, browser_as: Callable[..., TestClient]
) -> None:
    browser = browser_as("editor", "emil")
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    shop.deploy(1)
    standing = shown(browser, "/endpoints/shop").one("#standing")
    assert standing.attributes["hx-get"] == "/endpoints/shop"
    again = browser.get("/endpoints/shop", headers=part)
    assert "HX-Refresh" not in again.headers
    assert Page(again.text).said("#standing").startswith("SageMaker is making this endpoint.")
    make_live(shop.services, "shop")
    assert browser.get("/endpoints/shop", headers=part).headers["HX-Refresh"] == "true"
    assert "hx-get" not in shown(browser, "/endpoints/shop").one("#standing").attributes
