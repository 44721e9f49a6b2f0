"""Every read of endpoints on SageMaker, and the guarded write that gives one to a single worker."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.endpoints.cloud.tables import Change, CloudDeployment, CloudEndpoint
from app.endpoints.tables import Endpoint
from app.registry.tables import Model, ModelVersion

AT_ONCE = 20


@dataclass(frozen=True)
class Wish:
    """A change with the version that it puts there."""

    change: CloudDeployment
    model: Model
    version: ModelVersion


@dataclass(frozen=True)
class CloudPlace:
    """An endpoint of ours with its row for SageMaker; ``wish`` is what it shall show, ``newest`` the last
    change that anybody asked for."""

    endpoint: Endpoint
    row: CloudEndpoint
    wish: Wish | None
    newest: CloudDeployment | None

    @property
    def state(self) -> str:
        """The word for its pill, in the pages' own words."""
        if self.endpoint.deleted_at:
            return "deleted"
        if self.wish is None:
            failed = self.newest is not None and self.newest.state == Change.FAILED
            return "deleting" if self.row.status else "failed" if failed else "stopped"
        state = self.wish.change.state
        if self.row.status == "Deleting":
            return "deleting"
        if state in (Change.PENDING, Change.APPLIED):
            return "updating" if self.row.status in ("InService", "Updating") else "creating"
        live = state == Change.LIVE and self.row.status in ("InService", "Updating", "SystemUpdating")
        return "ready" if live else "failed"

    @property
    def reason(self) -> str:
        """Why it is not as it shall be, or was not last time; empty where there is nothing to say."""
        failed = self.newest.reason if self.newest and self.newest.state == Change.FAILED else ""
        return self.row.problem or failed or self.row.reason


def place(session: Session, endpoint_id: str) -> CloudPlace | None:
    found = places(session, [endpoint_id])
    return found.get(endpoint_id)


def place_by_name(session: Session, name: str) -> CloudPlace | None:
    found = session.scalar(select(Endpoint.id).where(Endpoint.name == name))
    return place(session, found) if found else None


def places(session: Session, endpoint_ids: Collection[str]) -> dict[str, CloudPlace]:
    """By the endpoint's id; those of this server are left out."""
    query = select(Endpoint, CloudEndpoint).join(CloudEndpoint, CloudEndpoint.endpoint_id == Endpoint.id)
    rows = session.execute(query.where(Endpoint.id.in_(endpoint_ids))).all()
    wishes = _wishes(session, [row.wanted_id for _, row in rows if row.wanted_id])
    newest = _newest(session, [endpoint.id for endpoint, _ in rows])
    return {
        endpoint.id: CloudPlace(endpoint, row, wishes.get(row.wanted_id or ""), newest.get(endpoint.id))
        for endpoint, row in rows
    }


def _wishes(session: Session, ids: Sequence[str]) -> dict[str, Wish]:
    query = (
        select(CloudDeployment, Model, ModelVersion)
        .join(ModelVersion, ModelVersion.id == CloudDeployment.version_id)
        .join(Model, Model.id == ModelVersion.model_id)
        .where(CloudDeployment.id.in_(ids))
    )
    return {change.id: Wish(change, model, version) for change, model, version in session.execute(query)}


def _newest(session: Session, endpoint_ids: Sequence[str]) -> dict[str, CloudDeployment]:
    query = select(CloudDeployment).where(CloudDeployment.endpoint_id.in_(endpoint_ids))
    return {each.endpoint_id: each for each in session.scalars(query.order_by(CloudDeployment.id))}


def changes_of(session: Session, endpoint_id: str) -> list[CloudDeployment]:
    """Newest first."""
    query = select(CloudDeployment).where(CloudDeployment.endpoint_id == endpoint_id)
    return list(session.scalars(query.order_by(CloudDeployment.id.desc())))


def live_change(session: Session, endpoint_id: str) -> CloudDeployment | None:
    query = select(CloudDeployment).where(
        CloudDeployment.endpoint_id == endpoint_id, CloudDeployment.state == Change.LIVE
    )
    return session.scalar(query)


def due(session: Session) -> list[str]:
    """Ids of the endpoints that somebody should look at now."""
    free = or_(CloudEndpoint.poll_until.is_(None), CloudEndpoint.poll_until < now())
    query = select(CloudEndpoint.endpoint_id).where(CloudEndpoint.poll_at <= now(), free)
    return list(session.scalars(query.order_by(CloudEndpoint.poll_at).limit(AT_ONCE)))


def claim(session: Session, endpoint_id: str, seconds: float) -> bool:
    """Whether nobody else is at it; a worker that dies lets go by itself after ``seconds``."""
    free = or_(CloudEndpoint.poll_until.is_(None), CloudEndpoint.poll_until < now())
    taken = (
        update(CloudEndpoint)
        .where(CloudEndpoint.endpoint_id == endpoint_id, free)
        .values(poll_until=now(seconds))
        .returning(CloudEndpoint.endpoint_id)
    )
    return session.scalar(taken, execution_options={"synchronize_session": False}) is not None


def release(session: Session, endpoint_id: str, wanted_id: str | None, next_seconds: float | None) -> None:
    """``next_seconds`` until somebody looks again, None for never. Where something else than ``wanted_id``
    was asked for meanwhile, it stays due."""
    row = update(CloudEndpoint).where(CloudEndpoint.endpoint_id == endpoint_id)
    later = None if next_seconds is None else now(next_seconds)
    same = CloudEndpoint.wanted_id.is_not_distinct_from(wanted_id)
    session.execute(row.values(poll_until=None), execution_options={"synchronize_session": False})
    session.execute(row.where(same).values(poll_at=later), execution_options={"synchronize_session": False})


def cloud_ids(session: Session) -> set[str]:
    return set(session.scalars(select(CloudEndpoint.endpoint_id)))


def database_moment(session: Session) -> datetime:
    return session.scalars(select(now())).one()
