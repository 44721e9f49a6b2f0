"""What is written down about an endpoint at SageMaker: each a transaction of its own, guarded by state."""

from datetime import datetime

from app.accounts import audit
from app.core.errors import FittingRoomError
from app.core.services import Services
from app.core.work import Work
from app.endpoints import service
from app.endpoints.cloud import queries
from app.endpoints.cloud.queries import CloudPlace, Wish
from app.endpoints.cloud.tables import Change, CloudDeployment, CloudEndpoint
from app.integrations.aws.clients import Aws
from app.integrations.aws.resources import note_resource, resource_gone

AWS = "aws"  # who did what nobody here has done
SOON_SECONDS = 5.0
AGAIN_SECONDS = 30.0
OVER = (Change.RETIRED, Change.FAILED)


def note_seen(services: Services, place: CloudPlace, status: str, reason: str, arn: str) -> None:
    with services.works.writing() as work:
        row = _row(work, place)
        row.status, row.reason, row.problem = status, reason, ""
        row.arn, row.seen_at = arn or row.arn, queries.database_moment(work.session)
    place.row.status = status


def note_problem(
    services: Services, place: CloudPlace, refusal: FittingRoomError, *, waits: bool
) -> float | None:
    """AWS away is waited for. A refusal ends the change that was under way: asking again is a person's."""
    text = f"{refusal.message} {refusal.advice}".strip()
    if not waits and place.wish and place.wish.change.state in (Change.PENDING, Change.APPLIED):
        note_failed(services, place, place.wish.change.id, text)
        return SOON_SECONDS
    with services.works.writing() as work:
        _row(work, place).problem = text
    return AGAIN_SECONDS


def note_endpoint(services: Services, aws: Aws, place: CloudPlace, wish: Wish) -> None:
    """Before it is asked for, so that what bills by the hour is never unseen."""
    with services.works.writing() as work:
        note_resource(
            work,
            "endpoint",
            place.row.name,
            region=aws.config.region,
            subject_id=place.endpoint.id,
            instance_type=wish.change.instance_type,
            instance_count=wish.change.instance_count,
        )


def note_applied(services: Services, place: CloudPlace, change_id: str) -> None:
    with services.works.writing() as work:
        change = work.session.get_one(CloudDeployment, change_id)
        if change.state == Change.PENDING:
            change.state = Change.APPLIED


def note_live(services: Services, place: CloudPlace, wish: Wish, since: datetime) -> None:
    """AWS answers with it from ``since`` on: what was live before ended then, and the history says so."""
    with services.works.writing() as work:
        change = work.session.get_one(CloudDeployment, wish.change.id)
        if change.state not in (Change.PENDING, Change.APPLIED):
            return  # somebody wants something else by now
        for before in queries.changes_of(work.session, place.endpoint.id):
            if before.state == Change.LIVE:
                before.state = Change.RETIRED
        endpoint = service.find_endpoint(work, place.endpoint.name)
        moment = max(since, change.created_at)
        deployment = service.record_live(work, endpoint, wish.version.id, change.actor_id, moment)
        change.state, change.deployment_id = Change.LIVE, deployment.id


def note_failed(services: Services, place: CloudPlace, change_id: str, reason: str) -> None:
    """What is live stays wanted; where nothing is, nothing is wanted, and what was made is taken away."""
    with services.works.writing() as work:
        change = work.session.get_one(CloudDeployment, change_id)
        if change.state not in (Change.PENDING, Change.APPLIED):
            return
        change.state, change.reason = Change.FAILED, reason
        live = queries.live_change(work.session, place.endpoint.id)
        row = _row(work, place)
        if row.wanted_id == change_id:
            row.wanted_id = live.id if live else None
        details = {"endpoint": place.endpoint.name, "reason": reason, "version_id": change.version_id}
        audit.record(work.session, AWS, "endpoint.deployment_failed", place.endpoint.id, details)


def note_ended(
    services: Services, place: CloudPlace, change_id: str, reason: str, *, stays: bool = False
) -> None:
    """What was live is not any more, and nobody here has ended it. ``stays``: something stands there still,
    which is not ours to take away."""
    with services.works.writing() as work:
        change = work.session.get_one(CloudDeployment, change_id)
        if change.state != Change.LIVE:
            return
        change.state, change.reason = Change.FAILED, reason
        endpoint = service.find_endpoint(work, place.endpoint.name)
        service.record_end(work, endpoint, AWS)
        details = {"endpoint": endpoint.name, "reason": reason, "version_id": change.version_id}
        audit.record(work.session, AWS, "endpoint.ended_at_aws", endpoint.id, details)
        if not stays:
            _row(work, place).wanted_id = None


def note_gone(services: Services, place: CloudPlace) -> None:
    with services.works.writing() as work:
        row = _row(work, place)
        row.status, row.reason = "", ""
        resource_gone(work, "endpoint", row.name)


def leftovers(services: Services, place: CloudPlace) -> list[CloudDeployment]:
    with services.works.reading() as work:
        wanted = _row(work, place).wanted_id
        found = queries.changes_of(work.session, place.endpoint.id)
    return [each for each in found if each.state in OVER and each.id != wanted and each.model_name]


def note_removed(services: Services, change: CloudDeployment) -> None:
    """A failed one keeps its word, and its reason, for the page."""
    with services.works.writing() as work:
        row = work.session.get_one(CloudDeployment, change.id)
        resource_gone(work, "endpoint-config", row.config_name)
        resource_gone(work, "model", row.model_name)
        row.model_name = row.config_name = ""
        if row.state == Change.RETIRED:
            row.state = Change.REMOVED


def _row(work: Work, place: CloudPlace) -> CloudEndpoint:
    return work.session.get_one(CloudEndpoint, place.endpoint.id)
