"""What the first page asks of the registry: versions that lost their approval, and the newest ones."""

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.keeping.queries import archived_ids
from app.registry.queries import NamedVersion
from app.registry.tables import ApprovalStatus, Model, ModelVersion, Validity


def voided(session: Session, limit: int = 5) -> list[NamedVersion]:
    """Void versions that somebody still counts on: the newest of their models, for nothing replaced them."""
    counted_on = ModelVersion.number == Model.last_number
    return _named(session, and_(ModelVersion.validity == Validity.VOIDED, counted_on), limit)


def newest(session: Session, limit: int = 5) -> list[NamedVersion]:
    shown = or_(ModelVersion.validity == Validity.VALID, ModelVersion.number == Model.last_number)
    return _named(session, shown, limit)


def newest_approved(session: Session) -> NamedVersion | None:
    approved = and_(ModelVersion.status == ApprovalStatus.APPROVED, ModelVersion.validity == Validity.VALID)
    return next(iter(_named(session, approved, 1)), None)


def _named(session: Session, condition: ColumnElement[bool], limit: int) -> list[NamedVersion]:
    query = select(Model, ModelVersion).join(ModelVersion, ModelVersion.model_id == Model.id)
    known = and_(condition, Model.id.not_in(archived_ids()), ModelVersion.id.not_in(archived_ids()))
    rows = session.execute(query.where(known).order_by(ModelVersion.id.desc()).limit(limit))
    return [NamedVersion(model, version) for model, version in rows]
