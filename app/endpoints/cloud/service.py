"""The verb of endpoints on SageMaker: ask for an approved version to answer there."""

from dataclasses import dataclass

from app.accounts import audit
from app.core import changes
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id
from app.core.security import Actor
from app.core.services import Services
from app.core.work import Work
from app.endpoints import service
from app.endpoints.cloud import queries, wishes
from app.endpoints.cloud.queries import CloudPlace
from app.endpoints.cloud.tables import Change, CloudDeployment, CloudEndpoint
from app.endpoints.queries import live_deployment
from app.endpoints.tables import Endpoint
from app.integrations.aws import naming
from app.integrations.aws.config import CloudConfig, config_of
from app.integrations.aws.errors import CloudNotSetUp
from app.integrations.aws.prices import price_of
from app.registry import approval
from app.registry.service import find_version

INSTANCES_LIMIT = 20  # more is a slip of the finger; a quota would refuse it hours later


class EndpointElsewhere(Conflict):
    title = "The endpoint stands elsewhere"


class DeploymentUnderWay(Conflict):
    title = "A deployment is under way"


class InstanceUnusable(Invalid):
    title = "That can't be an endpoint's machine"


@dataclass(frozen=True)
class Wanted:
    """An empty ``instance_type`` and a count of 0 are as they are there now, or else as set, and 1."""

    endpoint: str
    model: str
    number: int
    instance_type: str = ""
    instance_count: int = 0


def deploy(services: Services, actor: Actor, wanted: Wanted) -> CloudPlace:
    """Written down and answered at once; SageMaker takes minutes, and the page shows how far it is.

    What is wanted there already, on the same machines, stays as it is.
    """
    name = service.valid_name(wanted.endpoint)
    with services.works.reading() as work:
        version = find_version(work, wanted.model, wanted.number).version
        config = _config(work, services)
        instance, count = _machines(wanted, config, queries.place_by_name(work.session, name))
    approval.model_files(services, version)
    with services.works.writing() as work:
        approval.require_servable(find_version(work, wanted.model, wanted.number).version)
        endpoint = service.endpoint_of(work, name, actor)
        row = _row(work, endpoint, config)
        if not _same(work, row, version.id, instance, count):
            _ask(work, row, version.id, actor, instance, count)
            told = _told(wanted, row, f"{count} × {instance}")
            audit.record(work.session, actor.id, "endpoint.deployment_asked", endpoint.id, told)
            changes.bump(work.session, endpoint.id)
        found = queries.place(work.session, endpoint.id)
        assert found is not None
        return found


def _config(work: Work, services: Services) -> CloudConfig:
    config = config_of(work, services.settings)
    if config is None:
        raise CloudNotSetUp
    return config


def _machines(wanted: Wanted, config: CloudConfig, place: CloudPlace | None) -> tuple[str, int]:
    now = place.newest if place else None
    usual = now.instance_type if now else config.serving_instance
    instance = wanted.instance_type.strip() or usual
    count = wanted.instance_count or (now.instance_count if now else 1)
    if problem := naming.instance(instance):
        raise InstanceUnusable(f"{instance[:40]!r}: {problem}", "As in ml.m5.large.")
    if not 1 <= count <= INSTANCES_LIMIT:
        raise InstanceUnusable(f"{count} instances can't be had.", f"From 1 to {INSTANCES_LIMIT}.")
    return instance, count


def _row(work: Work, endpoint: Endpoint, config: CloudConfig) -> CloudEndpoint:
    row = work.session.get(CloudEndpoint, endpoint.id)
    if row is not None:
        if not row.status and row.wanted_id is None:
            row.region = config.region  # nothing of it is left anywhere
        return row
    if live_deployment(work.session, endpoint.id) is not None:
        raise EndpointElsewhere(
            f"{endpoint.name} answers on this server.", "Choose another name for the endpoint on SageMaker."
        )
    row = CloudEndpoint(endpoint_id=endpoint.id, name=wishes.cloud_name(endpoint), region=config.region)
    work.session.add(row)
    work.session.flush()
    return row


def _same(work: Work, row: CloudEndpoint, version_id: str, instance: str, count: int) -> bool:
    current = work.session.get(CloudDeployment, row.wanted_id) if row.wanted_id else None
    if current is None or current.state == Change.FAILED:
        return False
    return (current.version_id, current.instance_type, current.instance_count) == (
        version_id,
        instance,
        count,
    )


def _ask(
    work: Work, row: CloudEndpoint, version_id: str, actor: Actor, instance: str, count: int
) -> CloudDeployment:
    """A change that AWS doesn't know of yet is given up for this one; what is live stays until then."""
    for earlier in queries.changes_of(work.session, row.endpoint_id):
        if earlier.state == Change.APPLIED:
            raise DeploymentUnderWay(
                "SageMaker is at another deployment there.",
                "Wait until it is live or has failed, or delete the endpoint.",
            )
        if earlier.state == Change.PENDING:
            earlier.state, earlier.reason = (
                Change.RETIRED,
                "Another deployment was asked for before it began.",
            )
    price = price_of(work, row.region, instance, "hosting")
    change = CloudDeployment(
        id=new_id("cd"),
        endpoint_id=row.endpoint_id,
        version_id=version_id,
        actor_id=actor.id,
        model_name="",
        config_name="",
        instance_type=instance,
        instance_count=count,
        dollars_per_hour=price.dollars_per_hour if price else None,
        state=Change.PENDING,
    )
    change.model_name = change.config_name = wishes.part_name(change.id)
    work.session.add(change)
    work.session.flush()
    row.wanted_id, row.problem = change.id, ""
    wishes.ask_to_tend(work, row)
    return change


def _told(wanted: Wanted, row: CloudEndpoint, machines: str) -> dict[str, object]:
    return {
        "endpoint": wanted.endpoint,
        "model": wanted.model,
        "version": wanted.number,
        "instances": machines,
        "name_at_aws": row.name,
    }
