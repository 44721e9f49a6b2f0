"""One model in two registries: ours, and the simulator's SageMaker."""

import io
import tarfile
from collections.abc import Callable
from datetime import datetime

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.work import Works
from app.registry.cloud import note_package
from app.registry.queries import NamedVersion
from app.registry.service import find_version
from tests.app.registry.cloud.twin import MODEL, Twin
from tests.app.registry.test_deciding import flip_a_byte
from tests.reading import shown


def test_a_version_gets_one_package_with_its_evidence_and_its_model(twin: Twin) -> None:
    twin.switch()
    package = twin.package()
    version = twin.version()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    marks = package["CustomerMetadataProperties"]
    assert marks["fittingroom-evidence-sha256"] == version["evidence_sha256"]
    (container,) = package["InferenceSpecification"]["Containers"]
    with tarfile.open(fileobj=io.BytesIO(twin.simulator.read(container["ModelDataUrl"]))) as archive:
        names = archive.getnames()
    assert {"model.onnx", "spec.json", "tokenizer.json", "code/serve.py", "code/inference.py"} <= set(names)
    twin.switch()
    twin.check()
    assert len(twin.packages()) == 1
    standing = twin.standing()
    assert (standing["sync"], standing["in_step"], standing["problem"]) == (True, True, None)


def test_approved_here_is_approved_there_with_name_and_comment(twin: Twin) -> None:
    twin.switch()
    assert twin.decide("approve", "Better on complaints.") == 200
    twin.courier.look()
    package = twin.package()
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["ApprovalDescription"] == "Approved in Fitting Room by bert: Better on complaints."
    assert twin.decide("reject", "It was wrong.") == 200
    twin.courier.look()
    assert twin.package()["ModelApprovalStatus"] == "Rejected"
    assert twin.check()["looked_at"] == 0
    actions = [action for _, action, _ in twin.audit()]
    assert actions.count("model_package.updated") == 2


def test_approved_there_is_a_decision_here_with_its_actor_and_its_time(twin: Twin) -> None:
    twin.switch()
    package = twin.decide_there("Approved", "Seen in Studio.")
    assert twin.check()["changed"] == 1
    version = twin.version()
    assert version["status"] == "Approved"
    (decision,) = version["decisions"]
    arn = package["LastModifiedBy"]["IamIdentity"]["Arn"]
    assert decision["by"]["id"].startswith("aws:")
    assert len(decision["by"]["id"]) <= 40
    assert decision["comment"] == f"Decided at AWS by {arn}. Seen in Studio."
    assert datetime.fromisoformat(decision["at"]) == package["LastModifiedTime"]
    actor, action, details = twin.audit()[-1]
    assert (actor, action) == (decision["by"]["id"], "model_version.approved")
    assert (details["by"], details["at_aws"]) == (arn, twin.arn)
    assert twin.check()["looked_at"] == 0


def test_the_version_that_aws_approved_may_be_deployed(
    twin: Twin, as_role: Callable[..., TestClient]
) -> None:
    twin.switch()
    twin.decide_there("Approved")
    twin.check()
    body = {"model": "clothing", "version": 1}
    answer = as_role("editor").post("/api/v1/endpoints/here/deployments", json=body)
    assert answer.json()["state"] == "ready"


def test_a_void_version_is_not_approved_from_there(twin: Twin, register: Callable[..., NamedVersion]) -> None:
    twin.switch()
    with twin.services.works.reading() as work:
        named = find_version(work, "clothing", 1)
    flip_a_byte(twin.services, named, "model.onnx")
    twin.decide_there("Approved")
    twin.check()
    version = twin.version()
    assert (version["status"], version["validity"], version["decisions"]) == (
        "PendingManualApproval",
        "voided",
        [],
    )
    package = twin.package()
    assert package["ModelApprovalStatus"] == "Rejected"
    assert "model.onnx has changed" in package["ApprovalDescription"]
    assert "model_package.put_back" in [action for _, action, _ in twin.audit()]


def test_what_our_rules_forbid_is_put_back_there_with_a_reason(twin: Twin) -> None:
    twin.switch()
    twin.decide("reject", "No.")
    twin.courier.look()
    twin.decide_there("Approved")
    twin.check()
    assert twin.version()["status"] == "Rejected"
    package = twin.package()
    assert package["ModelApprovalStatus"] == "Rejected"
    assert package["ApprovalDescription"].startswith(
        "Put back by Fitting Room: A version that was rejected stays"
    )
    _, action, details = twin.audit()[-1]
    assert (action, details["before"], details["after"]) == ("model_package.put_back", "Approved", "Rejected")
    assert twin.check()["looked_at"] == 0


def test_of_two_decisions_at_once_the_newer_wins_and_both_are_in_the_audit(twin: Twin) -> None:
    twin.switch()
    assert twin.decide("approve", "Yes.") == 200  # not delivered yet
    twin.decide_there("Rejected", "No.")
    twin.courier.look()
    assert twin.version()["status"] == twin.package()["ModelApprovalStatus"] == "Rejected"
    entries = [(action, details.get("conflict")) for _, action, details in twin.audit()]
    assert entries[-2:] == [("model_version.approved", None), ("model_version.rejected", True)]


def test_a_lost_answer_makes_no_second_package(twin: Twin) -> None:
    twin.simulator.fail("CreateModelPackage", "Disconnect", times=3, after=True)
    twin.switch()
    assert twin.standing()["problem"].startswith("AWS does not answer")
    twin.courier.look()
    assert len(twin.packages()) == 1
    assert twin.standing()["in_step"]


def test_a_missing_permission_is_named_and_tried_again(twin: Twin) -> None:
    message = "User: x is not authorized to perform: sagemaker:CreateModelPackage on resource: y"
    twin.simulator.fail("CreateModelPackage", "AccessDeniedException", message=message)
    twin.switch()
    assert "sagemaker:CreateModelPackage is missing" in twin.standing()["problem"]
    assert twin.check()["looked_at"] == 1
    assert twin.standing()["in_step"]


def test_a_package_that_a_pipeline_registered_is_adopted(twin: Twin, works: Works) -> None:
    client = twin.simulator.client("sagemaker")
    client.create_model_package_group(ModelPackageGroupName="of-a-pipeline")
    made = client.create_model_package(ModelPackageGroupName="of-a-pipeline")
    with works.writing() as work:
        note_package(work, twin.version()["id"], made["ModelPackageArn"])
    twin.switch()
    assert twin.arn == made["ModelPackageArn"]
    assert twin.package()["CustomerMetadataProperties"]["fittingroom-version-id"] == twin.version()["id"]
    assert twin.packages() == []


def test_switched_off_nothing_is_sent_and_nothing_taken_over(twin: Twin) -> None:
    twin.switch()
    twin.switch(on=False)
    twin.decide_there("Approved")
    assert twin.check()["models"] == 0
    assert twin.version()["status"] == "PendingManualApproval"
    assert twin.client.post(f"{MODEL}/sagemaker/comparison").status_code == 409


@pytest.mark.parametrize(("role", "status"), [("editor", 403), ("approver", 200)])
def test_who_may_switch(twin: Twin, as_role: Callable[..., TestClient], role: str, status: int) -> None:
    assert as_role(role).put(f"{MODEL}/sagemaker", json={"on": True}).status_code == status


def test_pages_show_switch_package_and_problem(
    twin: Twin, browser_as: Callable[..., TestClient], person: Callable[..., Actor]
) -> None:
    browser = browser_as("approver", "boss")
    assert "Keep in step" in browser.get("/models/clothing").text
    assert browser.post("/models/clothing/sagemaker", data={"on": "true"}).status_code == 303
    twin.simulator.fail("CreateModelPackageGroup", "AccessDeniedException", message="no")
    twin.courier.look()
    assert "CreateModelPackageGroup" in shown(browser, "/models/clothing/versions/1").text
    assert "1 with a problem" in shown(browser, "/models/clothing").text
    twin.check()
    page = shown(browser, "/models/clothing/versions/1")
    assert "Status there" in page.text
    assert browser.post("/models/clothing/sagemaker/comparison").status_code == 303


def test_without_a_cloud_it_cannot_be_switched_on(
    register: Callable[..., NamedVersion], person: Callable[..., Actor], as_role: Callable[..., TestClient]
) -> None:
    register(person("editor", "anna"))
    answer = as_role("approver").put(f"{MODEL}/sagemaker", json={"on": True})
    assert (answer.status_code, answer.json()["title"]) == (409, "The cloud is not set up")
