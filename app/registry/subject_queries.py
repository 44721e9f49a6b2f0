"""What app.registry.subject asks of the database, and how it takes a version out of it."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.registry.cloud.tables import CloudModel, CloudPackage
from app.registry.tables import ApprovalStatus, Decision, Model, ModelVersion


def models_by_id(session: Session, ids: Sequence[str]) -> list[Model]:
    return list(session.scalars(select(Model).where(Model.id.in_(ids))))


def ever_approved(session: Session, version_ids: Sequence[str]) -> set[str]:
    """Those that somebody approved once, whatever was decided later."""
    query = select(Decision.version_id).where(Decision.version_id.in_(version_ids))
    return set(session.scalars(query.where(Decision.after == ApprovalStatus.APPROVED).distinct()))


def remove_version(session: Session, version_id: str) -> None:
    session.execute(delete(CloudPackage).where(CloudPackage.version_id == version_id))
    session.execute(delete(Decision).where(Decision.version_id == version_id))
    session.execute(delete(ModelVersion).where(ModelVersion.id == version_id))


def remove_model(session: Session, model_id: str) -> None:
    session.execute(delete(CloudModel).where(CloudModel.model_id == model_id))
    session.execute(delete(Model).where(Model.id == model_id))
