"""Every read of the endpoints feature."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.endpoints.cloud.tables import CloudEndpoint
from app.endpoints.tables import Deployment, Endpoint
from app.registry.tables import ApprovalStatus, Model, ModelVersion, Validity


@dataclass(frozen=True)
class Placed:
    """A deployment with the version it put there."""

    endpoint: Endpoint
    deployment: Deployment
    model: Model
    version: ModelVersion


def endpoint_by_name(session: Session, name: str) -> Endpoint | None:
    return session.scalar(select(Endpoint).where(Endpoint.name == name))


def clock(session: Session) -> datetime:
    """The database's time, as a value."""
    return session.scalars(select(now())).one()


def list_endpoints(
    session: Session, *, text: str = "", deleted: bool = False, limit: int = 200
) -> list[Endpoint]:
    """By name; deleted ones only where they are asked for, and then only those."""
    query = select(Endpoint).where(*_listed(text, deleted)).order_by(Endpoint.name).limit(limit)
    return list(session.scalars(query))


def count_endpoints(session: Session, *, text: str = "", deleted: bool = False) -> int:
    return session.scalar(select(func.count()).select_from(Endpoint).where(*_listed(text, deleted))) or 0


def _listed(text: str, deleted: bool) -> list[ColumnElement[bool]]:
    """``text`` is part of a name, or an id."""
    gone = Endpoint.deleted_at.is_not(None) if deleted else Endpoint.deleted_at.is_(None)
    named = or_(Endpoint.name.icontains(text, autoescape=True), Endpoint.id == text)
    return [gone, named] if text else [gone]


def live(session: Session, endpoint: str | None = None) -> list[Placed]:
    """What answers now, on one endpoint or on all."""
    query = _placed().where(Deployment.retired_at.is_(None))
    if endpoint is not None:
        query = query.where(Endpoint.name == endpoint)
    return [Placed(*row) for row in session.execute(query.order_by(Endpoint.name))]


def history(session: Session, endpoint_id: str, offset: int = 0, limit: int = 50) -> Sequence[Placed]:
    """Newest first."""
    query = _placed().where(Deployment.endpoint_id == endpoint_id).order_by(Deployment.id.desc())
    return [Placed(*row) for row in session.execute(query.offset(offset).limit(limit))]


def count_deployments(session: Session, endpoint_id: str) -> int:
    query = select(func.count()).select_from(Deployment).where(Deployment.endpoint_id == endpoint_id)
    return session.scalar(query) or 0


def live_at(session: Session, endpoint_id: str, moment: datetime) -> Placed | None:
    """What answered at that moment; from the second it was deployed until the one it was retired in."""
    query = _placed().where(
        Deployment.endpoint_id == endpoint_id,
        Deployment.created_at <= moment,
        or_(Deployment.retired_at.is_(None), Deployment.retired_at > moment),
    )
    row = session.execute(query.order_by(Deployment.id.desc()).limit(1)).one_or_none()
    return Placed(*row) if row else None


def deployment_by_id(session: Session, deployment_id: str) -> Placed | None:
    row = session.execute(_placed().where(Deployment.id == deployment_id)).one_or_none()
    return Placed(*row) if row else None


def locked_endpoint(session: Session, endpoint_id: str) -> None:
    """Takes the endpoint's row lock, so that two deployments follow one another."""
    session.execute(select(Endpoint.id).where(Endpoint.id == endpoint_id).with_for_update())


def live_deployment(session: Session, endpoint_id: str) -> Deployment | None:
    query = select(Deployment).where(Deployment.endpoint_id == endpoint_id, Deployment.retired_at.is_(None))
    return session.scalar(query)


def retire(session: Session, deployment_id: str, actor_id: str, moment: datetime) -> None:
    ended = update(Deployment).where(Deployment.id == deployment_id)
    session.execute(ended.values(retired_at=moment, retired_by=actor_id))


def _placed() -> Select[Endpoint, Deployment, Model, ModelVersion]:
    return (
        select(Endpoint, Deployment, Model, ModelVersion)
        .join(Deployment, Deployment.endpoint_id == Endpoint.id)
        .join(ModelVersion, ModelVersion.id == Deployment.version_id)
        .join(Model, Model.id == ModelVersion.model_id)
    )


@dataclass(frozen=True)
class LiveMark:
    """What decides whether a loaded model is still the right one. Compared at each look."""

    endpoint: str
    deployment_id: str
    version_id: str
    status: str
    validity: str
    model: str  # its name, which answers carry


def live_marks(session: Session) -> dict[str, LiveMark]:
    """By the endpoint's name; of those that this server answers itself."""
    version = (ModelVersion.id, ModelVersion.status, ModelVersion.validity)
    query = (
        select(Endpoint.name, Deployment.id, *version, Model.name)
        .join(Deployment, Deployment.endpoint_id == Endpoint.id)
        .join(ModelVersion, ModelVersion.id == Deployment.version_id)
        .join(Model, Model.id == ModelVersion.model_id)
        .where(Deployment.retired_at.is_(None), Endpoint.id.not_in(select(CloudEndpoint.endpoint_id)))
    )
    return {row[0]: LiveMark(*row) for row in session.execute(query)}


def servable_ids(session: Session, version_ids: Collection[str]) -> set[str]:
    """Those of the versions that are approved and valid now."""
    query = select(ModelVersion.id).where(
        ModelVersion.id.in_(version_ids),
        ModelVersion.status == ApprovalStatus.APPROVED,
        ModelVersion.validity == Validity.VALID,
    )
    return set(session.scalars(query))
