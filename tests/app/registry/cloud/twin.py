"""A model in both registries: decided on here over REST, there with boto3, compared when a test says so."""

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from app.accounts.audit_queries import AuditFilter, list_audit
from app.core.services import Services
from app.registry.cloud import syncing
from app.registry.queries import version_by_number
from tests.programs.cloud import Simulator
from workers.courier import Courier

MODEL = "/api/v1/models/clothing"


@dataclass
class Twin:
    services: Services
    simulator: Simulator
    client: TestClient
    courier: Courier

    def switch(self, on: bool = True) -> None:
        answer = self.client.put(f"{MODEL}/sagemaker", json={"on": on})
        assert answer.status_code == 200, answer.text
        self.courier.look()

    def check(self) -> dict[str, Any]:
        """The recurring look of the workers' housekeeping."""
        return dict(syncing.check_all(self.services))

    def decide(self, decision: str, comment: str = "Looks right.") -> int:
        seen = self.version()["row_version"]
        body = {"decision": decision, "comment": comment, "row_version": seen}
        return self.client.post(f"{MODEL}/versions/1/approval", json=body).status_code

    def version(self) -> dict[str, Any]:
        return dict(self.client.get(f"{MODEL}/versions/1").json())

    def standing(self) -> dict[str, Any]:
        return dict(self.client.get(f"{MODEL}/versions/1/sagemaker").json())

    @property
    def arn(self) -> str:
        return str(self.standing()["package_arn"])

    def package(self) -> dict[str, Any]:
        return dict(self.simulator.client("sagemaker").describe_model_package(ModelPackageName=self.arn))

    def packages(self) -> list[str]:
        group = self.standing()["group"]
        found = self.simulator.client("sagemaker").list_model_packages(ModelPackageGroupName=group)
        return [each["ModelPackageArn"] for each in found["ModelPackageSummaryList"]]

    def decide_there(self, status: str, said: str = "Fine by us.") -> dict[str, Any]:
        client = self.simulator.client("sagemaker")
        client.update_model_package(
            ModelPackageArn=self.arn, ModelApprovalStatus=status, ApprovalDescription=said
        )
        return self.package()

    def audit(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Actor, action and details, oldest first."""
        with self.services.works.reading() as work:
            named = version_by_number(work.session, "clothing", 1)
            assert named is not None
            found = list_audit(work.session, AuditFilter(subject_id=named.version.id)).items
        return [(entry.actor_id, entry.action, entry.details) for entry in reversed(found)]
