"""Every read of the cloud half's own tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.integrations.aws.tables import CloudPrice, CloudResource


def resource(session: Session, kind: str, name: str, region: str) -> CloudResource | None:
    """Read anew: another transaction may have written it while this one waited."""
    same = (CloudResource.kind == kind, CloudResource.name == name, CloudResource.region == region)
    return session.scalar(select(CloudResource).where(*same).execution_options(populate_existing=True))


@dataclass(frozen=True)
class ResourceFilter:
    """What the list is narrowed to; empty narrows nothing. ``state`` is standing, deleted or troubled."""

    text: str = ""
    kind: str = ""
    state: str = "standing"


_STATES: Mapping[str, ColumnElement[bool]] = {
    "standing": CloudResource.deleted_at.is_(None),
    "deleted": CloudResource.deleted_at.is_not(None),
    "troubled": CloudResource.problem != "",
}


def find_resources(session: Session, narrowed: ResourceFilter, limit: int = 500) -> list[CloudResource]:
    """Newest first."""
    conditions = [CloudResource.name.icontains(word, autoescape=True) for word in narrowed.text.split()]
    if narrowed.kind:
        conditions.append(CloudResource.kind == narrowed.kind)
    if narrowed.state in _STATES:
        conditions.append(_STATES[narrowed.state])
    query = select(CloudResource).where(*conditions).order_by(CloudResource.id.desc())
    return list(session.scalars(query.limit(limit)))


def standing(session: Session) -> list[CloudResource]:
    """Whatever the ledger knows to be there, oldest first."""
    query = select(CloudResource).where(CloudResource.deleted_at.is_(None))
    return list(session.scalars(query.order_by(CloudResource.id)))


def resource_by_id(session: Session, resource_id: str) -> CloudResource | None:
    return session.get(CloudResource, resource_id)


def price(session: Session, region: str, instance_type: str, usage: str) -> CloudPrice | None:
    return session.get(CloudPrice, (region, instance_type, usage))


def prices(session: Session) -> list[CloudPrice]:
    order = (CloudPrice.region, CloudPrice.usage, CloudPrice.instance_type)
    return list(session.scalars(select(CloudPrice).order_by(*order)))
