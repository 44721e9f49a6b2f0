"""Every read of what stands in SageMaker's registry, and the guarded write that gives it to one worker."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.core.numbers import add_unless_there
from app.registry.cloud.tables import CloudModel, CloudPackage
from app.registry.tables import Model, ModelVersion


@dataclass(frozen=True)
class Standing:
    """How a version stands at AWS, for its page; each is None where nothing is known of it."""

    model: CloudModel | None
    package: CloudPackage | None

    @property
    def on(self) -> bool:
        return self.model is not None and self.model.sync

    @property
    def problem(self) -> str:
        return (self.package.problem if self.package else "") or (self.model.problem if self.model else "")


def standing(session: Session, version: ModelVersion) -> Standing:
    return Standing(session.get(CloudModel, version.model_id), session.get(CloudPackage, version.id))


def synced_model(session: Session, model_id: str) -> CloudModel | None:
    """None where the model is not kept in step."""
    row = session.get(CloudModel, model_id)
    return row if row and row.sync else None


def synced_models(session: Session) -> list[Model]:
    query = select(Model).join(CloudModel, CloudModel.model_id == Model.id).where(CloudModel.sync)
    return list(session.scalars(query.order_by(Model.name)))


def packages(session: Session, version_ids: Collection[str]) -> dict[str, CloudPackage]:
    query = select(CloudPackage).where(CloudPackage.version_id.in_(version_ids))
    return {row.version_id: row for row in session.scalars(query)}


def package_of(session: Session, version_id: str) -> CloudPackage:
    """Its row, made where it is first wanted."""
    row = session.get(CloudPackage, version_id)
    if row is None:
        add_unless_there(session, CloudPackage(version_id=version_id))
        row = session.get_one(CloudPackage, version_id)
    return row


def claim(session: Session, version_id: str, seconds: float) -> bool:
    package_of(session, version_id)
    free = or_(CloudPackage.busy_until.is_(None), CloudPackage.busy_until < now())
    taken = (
        update(CloudPackage)
        .where(CloudPackage.version_id == version_id, free)
        .values(busy_until=now(seconds))
        .returning(CloudPackage.version_id)
    )
    return session.scalar(taken, execution_options={"synchronize_session": False}) is not None


def problem_count(session: Session, model_id: str = "") -> int:
    query = select(func.count()).select_from(CloudPackage).where(CloudPackage.problem != "")
    if model_id:
        own = select(ModelVersion.id).where(ModelVersion.model_id == model_id)
        query = query.where(CloudPackage.version_id.in_(own))
    return session.scalar(query) or 0
