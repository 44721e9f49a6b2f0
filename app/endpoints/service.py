"""The verbs of endpoints: deploy an approved version, which is also how one rolls back; stop; delete.

Those on SageMaker have their own way to deploy (app/endpoints/cloud); what was live when is recorded here.
"""

import re
from datetime import datetime

from app.accounts import audit
from app.core import changes
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.lineage import record_edge
from app.core.security import Actor
from app.core.services import Services
from app.core.work import Work
from app.endpoints import queries
from app.endpoints.cloud import wishes
from app.endpoints.cloud.tables import CloudEndpoint
from app.endpoints.queries import Placed
from app.endpoints.tables import Deployment, Endpoint
from app.registry import approval
from app.registry.service import find_version, set_live

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class EndpointNotFound(NotFound):
    title = "No such endpoint"


class EndpointStopped(Conflict):
    title = "The endpoint is stopped"


class EndpointInTheCloud(Conflict):
    title = "The endpoint stands on SageMaker"


class EndpointNameInvalid(Invalid):
    title = "That can't be an endpoint's name"


def deploy(services: Services, actor: Actor, endpoint: str, model: str, number: int) -> Placed:
    """Make a version answer on an endpoint, which is created where it is new.

    The version's files are read again before the transaction; a version that is live there already stays.
    """
    name = valid_name(endpoint)
    with services.works.reading() as work:
        version = find_version(work, model, number).version
    approval.model_files(services, version)
    with services.works.writing() as work:
        approval.require_servable(find_version(work, model, number).version)
        place = endpoint_of(work, name, actor)
        if work.session.get(CloudEndpoint, place.id) is not None:
            raise EndpointInTheCloud(
                f"{name} stands on SageMaker.", "Deploy to it there, or choose another name for this server."
            )
        deployment = record_live(work, place, version.id, actor.id)
        return get_deployment(work, deployment.id)


def valid_name(name: str) -> str:
    stripped = name.strip()
    if not NAME.fullmatch(stripped):
        raise EndpointNameInvalid(
            f"{stripped[:80]!r} can't name an endpoint.",
            "Use up to 63 small letters, digits and hyphens, as in reviews-prod.",
        )
    return stripped


def endpoint_of(work: Work, name: str, actor: Actor) -> Endpoint:
    """Made where it is new, brought back where it was deleted; its row is locked."""
    found = queries.endpoint_by_name(work.session, name)
    if found is None:
        found = Endpoint(id=new_id("ep"), name=name, created_by=actor.id)
        work.session.add(found)
        work.session.flush()
        audit.record(work.session, actor.id, "endpoint.created", found.id, {"name": name})
    queries.locked_endpoint(work.session, found.id)
    found.deleted_at = None
    return found


def record_live(
    work: Work, endpoint: Endpoint, version_id: str, actor_id: str, since: datetime | None = None
) -> Deployment:
    """From now on, or ``since`` another server says so; what is live already stays."""
    before = queries.live_deployment(work.session, endpoint.id)
    if before is not None and before.version_id == version_id:
        return before
    moment = since or queries.clock(work.session)
    if before is not None:
        _retire(work, endpoint, before, actor_id, moment)
    deployment = Deployment(
        id=new_id("dep"), endpoint_id=endpoint.id, version_id=version_id, actor_id=actor_id, created_at=moment
    )
    work.session.add(deployment)
    work.session.flush()
    set_live(work, version_id, endpoint.name, live=True)
    record_edge(work.session, version_id, endpoint.id, "deployed_to")
    details = {
        "endpoint": endpoint.name,
        "version_id": version_id,
        "before": before.version_id if before else None,
    }
    audit.record(work.session, actor_id, "endpoint.deployed", endpoint.id, details)
    changes.bump(work.session, endpoint.id)
    return deployment


def record_end(work: Work, endpoint: Endpoint, actor_id: str) -> Deployment | None:
    """Nothing answers there any more; what did until now, where anything did."""
    before = queries.live_deployment(work.session, endpoint.id)
    if before is not None:
        _retire(work, endpoint, before, actor_id, queries.clock(work.session))
    return before


def _retire(work: Work, endpoint: Endpoint, deployment: Deployment, actor_id: str, moment: datetime) -> None:
    queries.retire(work.session, deployment.id, actor_id, moment)
    set_live(work, deployment.version_id, endpoint.name, live=False)


def stop(services: Services, actor: Actor, name: str) -> Endpoint:
    """Nothing answers there any more, within a second in every process; a deployment starts it again."""
    with services.works.writing() as work:
        endpoint = find_endpoint(work, name)
        if not _stop(work, endpoint, actor):
            raise stopped(name)
        return endpoint


def _stop(work: Work, endpoint: Endpoint, actor: Actor) -> bool:
    """False where nothing was live, nor under way to SageMaker."""
    queries.locked_endpoint(work.session, endpoint.id)
    withdrawn = wishes.withdraw(work, endpoint.id)
    before = record_end(work, endpoint, actor.id)
    if before is None and not withdrawn:
        return False
    details = {"endpoint": endpoint.name, "before": before.version_id if before else None}
    audit.record(work.session, actor.id, "endpoint.stopped", endpoint.id, details)
    changes.bump(work.session, endpoint.id)
    return True


def delete(services: Services, actor: Actor, name: str) -> Endpoint:
    """Stops it and takes it off the lists; what was live on it when stays on its page."""
    with services.works.writing() as work:
        endpoint = find_endpoint(work, name)
        _stop(work, endpoint, actor)
        if endpoint.deleted_at is None:
            endpoint.deleted_at = queries.clock(work.session)
            details = {"endpoint": endpoint.name}
            audit.record(work.session, actor.id, "endpoint.deleted", endpoint.id, details)
        return endpoint


def get_deployment(work: Work, deployment_id: str) -> Placed:
    found = queries.deployment_by_id(work.session, deployment_id)
    assert found is not None
    return found


def find_endpoint(work: Work, name: str) -> Endpoint:
    found = queries.endpoint_by_name(work.session, name)
    if found is None:
        raise not_found(name)
    return found


def not_found(name: str) -> EndpointNotFound:
    return EndpointNotFound(
        f"There is no endpoint {name[:80]!r}.", "Deploy an approved model version to make one."
    )


def stopped(name: str) -> EndpointStopped:
    return EndpointStopped(
        f"{name} is stopped: no version answers there.", "Deploy an approved version to start it again."
    )
