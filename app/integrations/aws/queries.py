"""Every read of the cloud half's own tables."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.integrations.aws.tables import CloudPrice, CloudResource


def resource(session: Session, kind: str, name: str, region: str) -> CloudResource | None:
    """Read anew: another transaction may have written it while this one waited."""
    same = (CloudResource.kind == kind, CloudResource.name == name, CloudResource.region == region)
    return session.scalar(select(CloudResource).where(*same).execution_options(populate_existing=True))


def price(session: Session, region: str, instance_type: str, usage: str) -> CloudPrice | None:
    return session.get(CloudPrice, (region, instance_type, usage))


def prices(session: Session) -> list[CloudPrice]:
    order = (CloudPrice.region, CloudPrice.usage, CloudPrice.instance_type)
    return list(session.scalars(select(CloudPrice).order_by(*order)))
