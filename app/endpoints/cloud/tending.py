"""Brings SageMaker to what is wanted of an endpoint, a step at a time, and writes down what it says.

Each look begins with what AWS shows, so a worker that died in between leaves nothing that the next one does
not find: names come from our ids, and what stands under such a name is adopted, never made a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from app.core import changes
from app.core.errors import Conflict, FittingRoomError
from app.core.services import Services
from app.endpoints.cloud import parts, queries, recording
from app.endpoints.cloud.queries import CloudPlace, Wish
from app.endpoints.cloud.tables import Change
from app.integrations.aws.clients import Aws, aws_of
from app.integrations.aws.errors import CloudAway, CloudExpired, CloudMissing, calling
from ml.contract.faults import faultpoint

log = structlog.get_logger()

LEASE_SECONDS = 120.0  # an upload may take longer: whoever comes then adopts what the first has made
SOON_SECONDS = 5.0  # while AWS is at it
SETTLED_SECONDS = 300.0  # somebody may change it there
AGAIN_SECONDS = 30.0  # after AWS was away, or refused
UNDER_WAY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})


@dataclass(frozen=True)
class Seen:
    """What AWS shows of an endpoint."""

    status: str
    reason: str
    config_name: str
    arn: str
    changed_at: datetime


class OtherRegion(Conflict):
    title = "The endpoint stands in another region"


def endpoint_sender(services: Services, payload: Mapping[str, Any]) -> None:
    """The outbox's. Where another worker is at it, or AWS is away, it stays due."""
    tend(services, str(payload["endpoint_id"]))


def tend_due(services: Services) -> int:
    with services.works.reading() as work:
        waiting = queries.due(work.session)
    return sum(tend(services, endpoint_id) for endpoint_id in waiting)


def tend(services: Services, endpoint_id: str) -> bool:
    """One look and at most one act. False where another worker is at it."""
    with services.works.writing() as work:
        if not queries.claim(work.session, endpoint_id, LEASE_SECONDS):
            return False
    with services.works.reading() as work:
        place = queries.place(work.session, endpoint_id)
    assert place is not None, "what was claimed is there"
    try:
        again = _tended(services, place)
    except FittingRoomError as refusal:
        log.warning("cloud_endpoint_problem", endpoint=place.endpoint.name, problem=refusal.message)
        again = recording.note_problem(services, place, refusal, waits=isinstance(refusal, _WAITS))
    with services.works.writing() as work:
        queries.release(work.session, endpoint_id, place.row.wanted_id, again)
        changes.bump(work.session, endpoint_id)
    return True


_WAITS = (CloudAway, CloudExpired)


def _tended(services: Services, place: CloudPlace) -> float | None:
    """Seconds until somebody should look again, None where nothing is left to do."""
    with services.works.reading() as work:
        aws = aws_of(services, work)
    if place.row.region != aws.config.region:
        raise OtherRegion(
            f"{place.row.name} stands in {place.row.region}; the cloud is set up for {aws.config.region}.",
            f"Delete it in {place.row.region}, or set that region again.",
        )
    seen = look(aws, place.row.name)
    if seen:
        recording.note_seen(services, place, seen.status, seen.reason, seen.arn)
    else:
        recording.note_seen(services, place, "", "", "")
    if place.wish is None:
        return _take_away(services, aws, place, seen)
    if place.wish.change.state == Change.LIVE:
        return _compare(services, aws, place, place.wish, seen)
    if place.wish.change.state == Change.FAILED:
        return SETTLED_SECONDS if seen else None
    return _bring(services, aws, place, place.wish, seen)


def look(aws: Aws, name: str) -> Seen | None:
    try:
        with calling("look at the endpoint"):
            found = aws.sagemaker.describe_endpoint(EndpointName=name)
    except CloudMissing:
        return None
    return Seen(
        found["EndpointStatus"],
        found.get("FailureReason", ""),
        found.get("EndpointConfigName", ""),
        found["EndpointArn"],
        found["LastModifiedTime"],
    )


def _bring(services: Services, aws: Aws, place: CloudPlace, wish: Wish, seen: Seen | None) -> float | None:
    change = wish.change
    if seen is None:
        return _create(services, aws, place, wish)
    ours = seen.config_name == change.config_name
    if seen.status in UNDER_WAY:
        if ours:
            recording.note_applied(services, place, change.id)
        return SOON_SECONDS
    if seen.status == "InService" and ours:
        recording.note_live(services, place, wish, seen.changed_at)
        parts.remove_others(services, aws, place)
        return SETTLED_SECONDS
    if seen.status == "InService" and change.state == Change.PENDING:
        return _update(services, aws, place, wish)
    if ours or change.state == Change.APPLIED:
        reason = seen.reason or f"AWS took the change back: it shows {seen.config_name}."
        recording.note_failed(services, place, change.id, reason)
        return SOON_SECONDS
    # It failed under another configuration: AWS updates no such endpoint, so it goes and comes anew.
    return _delete(services, aws, place)


def _create(services: Services, aws: Aws, place: CloudPlace, wish: Wish) -> float:
    if wish.change.state == Change.APPLIED:
        recording.note_failed(
            services, place, wish.change.id, "It was deleted at AWS while it was being made."
        )
        return SOON_SECONDS
    parts.ensure(services, aws, place, wish)
    recording.note_endpoint(services, aws, place, wish)
    with parts.adopting(lambda: _stands(aws, place, wish)), calling("create the endpoint"):
        faultpoint("cloud.create_endpoint")
        aws.sagemaker.create_endpoint(
            EndpointName=place.row.name,
            EndpointConfigName=wish.change.config_name,
            Tags=aws.config.tags,  # type: ignore[arg-type]
        )
        faultpoint("cloud.created_endpoint")
    recording.note_applied(services, place, wish.change.id)
    return SOON_SECONDS


def _update(services: Services, aws: Aws, place: CloudPlace, wish: Wish) -> float:
    parts.ensure(services, aws, place, wish)
    recording.note_endpoint(services, aws, place, wish)
    with parts.adopting(lambda: _changing(aws, place)), calling("update the endpoint"):
        faultpoint("cloud.update_endpoint")
        aws.sagemaker.update_endpoint(EndpointName=place.row.name, EndpointConfigName=wish.change.config_name)
        faultpoint("cloud.updated_endpoint")
    recording.note_applied(services, place, wish.change.id)
    return SOON_SECONDS


def _stands(aws: Aws, place: CloudPlace, wish: Wish) -> bool:
    seen = look(aws, place.row.name)
    return seen is not None and seen.config_name == wish.change.config_name


def _changing(aws: Aws, place: CloudPlace) -> bool:
    seen = look(aws, place.row.name)
    return seen is not None and seen.status in UNDER_WAY


def _compare(services: Services, aws: Aws, place: CloudPlace, wish: Wish, seen: Seen | None) -> float | None:
    """Somebody may have changed at AWS what is live here."""
    if seen is None:
        recording.note_ended(services, place, wish.change.id, "It was deleted at AWS, not here.")
        return SOON_SECONDS
    if seen.status in UNDER_WAY:
        return SOON_SECONDS
    if seen.config_name != wish.change.config_name:
        reason = (
            f"Another configuration, {seen.config_name}, was put there at AWS: it is not what was deployed."
        )
        recording.note_ended(services, place, wish.change.id, reason, stays=True)
        return SETTLED_SECONDS
    parts.remove_others(services, aws, place)
    return SETTLED_SECONDS


def _take_away(services: Services, aws: Aws, place: CloudPlace, seen: Seen | None) -> float | None:
    if seen is not None:
        return SOON_SECONDS if seen.status == "Deleting" else _delete(services, aws, place)
    recording.note_gone(services, place)
    parts.remove_others(services, aws, place)
    return None


def _delete(services: Services, aws: Aws, place: CloudPlace) -> float:
    try:
        with calling("delete the endpoint"):
            faultpoint("cloud.delete_endpoint")
            aws.sagemaker.delete_endpoint(EndpointName=place.row.name)
    except CloudMissing:
        recording.note_gone(services, place)
    return SOON_SECONDS
