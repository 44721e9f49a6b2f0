"""A cloud in which things stand, were checked and compared: for pages that are looked at, with no AWS."""

from datetime import UTC, datetime

from app.core.security import Actor
from app.core.services import Services
from app.core.work import Work
from app.integrations.aws import deeds
from app.integrations.aws.forms import CloudRequest, PriceRequest
from app.integrations.aws.operations import OPERATIONS
from app.integrations.aws.pricing import set_price
from app.integrations.aws.resources import note_problem, note_resource, note_state, resource_gone
from app.integrations.aws.setup import save_settings
from app.integrations.errands.tables import Errand, ErrandState

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/FittingRoom"


def furnish_cloud(services: Services, admin: Actor, run_id: str, version_id: str) -> None:
    with services.works.writing() as work:
        wanted = CloudRequest(region=REGION, role_arn=ROLE, bucket="shop-reviews", prefix="fitting-room")
        save_settings(work, admin.id, wanted)
        _resources(work, run_id, version_id)
        _ended(
            deeds.order(work, admin, deeds.CHECK), {"findings": _findings(), "failed": 1, "region": REGION}
        )
        foreign = [{"kind": "endpoint", "name": "fittingroom-somebody-elses", "state": "InService"}]
        found = {"looked_at": 6, "gone": [], "found": [], "foreign": foreign}
        _ended(deeds.order(work, admin, deeds.LOOK), found)
        prices = ("eu-central-1", "ml.c5.9xlarge", "training")
        set_price(
            work,
            admin.id,
            PriceRequest(region=prices[0], instance_type=prices[1], usage=prices[2], dollars_per_hour=2.1),
        )


def _resources(work: Work, run_id: str, version_id: str) -> None:
    serving = note_resource(
        work,
        "endpoint",
        "fittingroom-shop",
        region=REGION,
        subject_id=version_id,
        instance_type="ml.m5.large",
    )
    note_state(work, serving.id, "InService")
    note_resource(
        work,
        "training-job",
        "fittingroom-12-train-1-3f6c2a91b0d4",
        region=REGION,
        subject_id=run_id,
        instance_type="ml.trn1.2xlarge",
        instance_count=2,
    )
    note_resource(work, "model", "fittingroom-clothing-5", region=REGION, subject_id=version_id)
    refused = note_resource(
        work, "model-package-group", "fittingroom-clothing", region=REGION, subject_id=None
    )
    note_problem(work, refused.id, "AWS refuses to delete it (ConflictException): it still has packages.")
    note_resource(work, "s3-prefix", "s3://shop-reviews/fitting-room/code/", region=REGION, subject_id=None)
    note_resource(work, "glue-table", "fittingroom.clothing_v2", region="eu-west-1", subject_id=None)
    note_resource(work, "model", "fittingroom-clothing-4", region=REGION, subject_id=None)
    resource_gone(work, "model", "fittingroom-clothing-4")


def _findings() -> list[dict[str, str]]:
    found = []
    for each in OPERATIONS:
        permission = each.actions[0] if each.actions else f"{each.service}:{each.name}"
        state = "untried" if each.name.startswith("Create") else "done"
        told = {"permission": permission, "operation": each.name, "purpose": each.purpose, "state": state}
        found.append({**told, "message": "", "advice": ""})
    found[8] |= {
        "state": "failed",
        "message": f"The credentials have no permission to {found[8]['purpose']}: it is missing.",
        "advice": f"Allow {found[8]['permission']}; Settings, Cloud shows the whole policy.",
    }
    return found


def _ended(errand: Errand, result: dict[str, object]) -> None:
    errand.state = ErrandState.DONE
    errand.result = result
    errand.started_at = errand.ended_at = datetime.now(UTC)
