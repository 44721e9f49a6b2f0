"""Every read of the endpoints feature."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.endpoints.tables import Deployment, Endpoint
from app.registry.tables import Model, ModelVersion


@dataclass(frozen=True)
class Placed:
    """A deployment with the version it put there."""

    endpoint: Endpoint
    deployment: Deployment
    model: Model
    version: ModelVersion


def endpoint_by_name(session: Session, name: str) -> Endpoint | None:
    return session.scalar(select(Endpoint).where(Endpoint.name == name))


def list_endpoints(session: Session, limit: int = 200) -> list[Endpoint]:
    return list(session.scalars(select(Endpoint).order_by(Endpoint.name).limit(limit)))


def count_endpoints(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Endpoint)) or 0


def live(session: Session, endpoint: str | None = None) -> list[Placed]:
    """What answers now, on one endpoint or on all."""
    query = _placed().where(Deployment.retired_at.is_(None))
    if endpoint is not None:
        query = query.where(Endpoint.name == endpoint)
    return [Placed(*row) for row in session.execute(query.order_by(Endpoint.name))]


def history(session: Session, endpoint_id: str, limit: int = 50) -> Sequence[Placed]:
    """Newest first."""
    query = _placed().where(Deployment.endpoint_id == endpoint_id)
    return [Placed(*row) for row in session.execute(query.order_by(Deployment.id.desc()).limit(limit))]


def deployment_by_id(session: Session, deployment_id: str) -> Placed | None:
    row = session.execute(_placed().where(Deployment.id == deployment_id)).one_or_none()
    return Placed(*row) if row else None


def locked_endpoint(session: Session, endpoint_id: str) -> None:
    """Takes the endpoint's row lock, so that two deployments follow one another."""
    session.execute(select(Endpoint.id).where(Endpoint.id == endpoint_id).with_for_update())


def live_deployment(session: Session, endpoint_id: str) -> Deployment | None:
    query = select(Deployment).where(Deployment.endpoint_id == endpoint_id, Deployment.retired_at.is_(None))
    return session.scalar(query)


def retire(session: Session, deployment_id: str) -> None:
    session.execute(update(Deployment).where(Deployment.id == deployment_id).values(retired_at=now()))


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


def live_marks(session: Session) -> dict[str, LiveMark]:
    """By the endpoint's name."""
    query = (
        select(Endpoint.name, Deployment.id, ModelVersion.id, ModelVersion.status, ModelVersion.validity)
        .join(Deployment, Deployment.endpoint_id == Endpoint.id)
        .join(ModelVersion, ModelVersion.id == Deployment.version_id)
        .where(Deployment.retired_at.is_(None))
    )
    return {row[0]: LiveMark(*row) for row in session.execute(query)}
