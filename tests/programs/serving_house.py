"""What stands on SageMaker as pages show it: endpoints in three states, a model kept in step; with no AWS."""

from datetime import UTC, datetime

from app.core.security import Actor
from app.core.services import Services
from app.endpoints.cloud import queries, recording, service
from app.endpoints.cloud.service import Wanted
from app.registry.cloud import queries as packages
from app.registry.cloud import service as registry
from app.registry.queries import versions_of

ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"


def furnish_serving(services: Services, editor: Actor, approver: Actor, model: str, number: int) -> None:
    for name in ("shop-cloud", "shop-coming", "shop-refused"):
        service.deploy(services, editor, Wanted(name, model, number, "ml.m5.large", 2))
    make_live(services, "shop-cloud")
    _refuse(services, "shop-refused")
    with services.works.writing() as work:
        found = registry.switch(work, services, approver, model, on=True)
        newest, *others = versions_of(work.session, found.id)
        for version in others:
            package = packages.package_of(work.session, version.id)
            package.arn = f"{ACCOUNT}:model-package/fittingroom-{model}/{version.number}"
            package.seen_status = package.agreed = version.status
            package.seen_by, package.seen_at = f"{ACCOUNT}:user/bert", datetime.now(UTC)
            package.synced_at = datetime.now(UTC)
        row = packages.package_of(work.session, newest.id)
        row.problem = "The credentials have no permission to create the model package."


def make_live(services: Services, name: str) -> None:
    with services.works.reading() as work:
        place = queries.place_by_name(work.session, name)
    assert place is not None
    assert place.wish is not None
    recording.note_seen(services, place, "InService", "", f"{ACCOUNT}:endpoint/{place.row.name}")
    recording.note_live(services, place, place.wish, datetime.now(UTC))


def _refuse(services: Services, name: str) -> None:
    with services.works.reading() as work:
        place = queries.place_by_name(work.session, name)
    assert place is not None
    assert place.wish is not None
    reason = "The account's quota does not allow to create the endpoint: the limit is 0 Instances."
    recording.note_failed(services, place, place.wish.change.id, reason)
