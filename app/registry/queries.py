"""Every read of the registry, and the two guarded writes whose WHERE is the rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.keeping.queries import archived_ids
from app.registry.tables import ApprovalStatus, Decision, Model, ModelVersion, Validity

NUMBERS = range(1, 2**31)  # what the column can hold; another number simply is not there
IS_LIVE = cast(ModelVersion.live_on, Text) != "[]"


@dataclass(frozen=True)
class NamedVersion:
    model: Model
    version: ModelVersion


def model_by_name(session: Session, name: str) -> Model | None:
    """By name, or by id."""
    found = session.scalar(select(Model).where(Model.name == name))
    return found or session.get(Model, name)


def versions_of(session: Session, model_id: str) -> list[ModelVersion]:
    """Newest first."""
    query = select(ModelVersion).where(ModelVersion.model_id == model_id)
    return list(session.scalars(query.order_by(ModelVersion.number.desc())))


def version_by_number(session: Session, model: str, number: int) -> NamedVersion | None:
    found = model_by_name(session, model)
    if found is None or number not in NUMBERS:
        return None
    query = select(ModelVersion).where(ModelVersion.model_id == found.id, ModelVersion.number == number)
    version = session.scalar(query)
    return NamedVersion(found, version) if version else None


def version_by_id(session: Session, version_id: str) -> NamedVersion | None:
    query = _named()
    row = session.execute(query.where(ModelVersion.id == version_id)).one_or_none()
    return NamedVersion(row[0], row[1]) if row else None


def version_by_step(session: Session, step_id: str) -> NamedVersion | None:
    found = session.scalar(select(ModelVersion.id).where(ModelVersion.step_id == step_id))
    return version_by_id(session, found) if found else None


def named_versions(session: Session, version_ids: Sequence[str]) -> dict[str, NamedVersion]:
    query = _named()
    rows = session.execute(query.where(ModelVersion.id.in_(version_ids)))
    return {version.id: NamedVersion(model, version) for model, version in rows}


def waiting(session: Session, text: str = "", limit: int = 100) -> list[NamedVersion]:
    """Versions that wait for a decision, oldest first; archived ones ask nobody."""
    query = _named().where(*_WAITING, *about(text)).order_by(ModelVersion.id).limit(limit)
    return [NamedVersion(*row) for row in session.execute(query)]


def waiting_count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ModelVersion).where(*_WAITING)) or 0


_WAITING = (
    ModelVersion.status == ApprovalStatus.PENDING,
    ModelVersion.validity == Validity.VALID,
    ModelVersion.id.not_in(archived_ids()),
)


def about(text: str) -> list[ColumnElement[bool]]:
    """Part of the model's name, or an id of the version."""
    if not text.strip():
        return []
    named = Model.name.icontains(text.strip(), autoescape=True)
    return [or_(named, ModelVersion.id == text.strip(), ModelVersion.run_id == text.strip())]


def _named() -> Select[Model, ModelVersion]:
    return select(Model, ModelVersion).join(ModelVersion, ModelVersion.model_id == Model.id)


def deployable(session: Session, model_id: str | None = None) -> list[NamedVersion]:
    """Approved and valid, newest first; archived ones are not offered."""
    query = _named().where(
        ModelVersion.status == ApprovalStatus.APPROVED,
        ModelVersion.validity == Validity.VALID,
        ModelVersion.id.not_in(archived_ids()),
    )
    if model_id:
        query = query.where(ModelVersion.model_id == model_id)
    rows = session.execute(query.order_by(ModelVersion.id.desc()).limit(100))
    return [NamedVersion(*row) for row in rows]


def undeployable(session: Session, model_id: str | None = None, limit: int = 10) -> list[NamedVersion]:
    """What may not be served as it is: not approved, or void. Newest first."""
    query = _named().where(
        or_(ModelVersion.status != ApprovalStatus.APPROVED, ModelVersion.validity != Validity.VALID),
        ModelVersion.id.not_in(archived_ids()),
    )
    if model_id:
        query = query.where(ModelVersion.model_id == model_id)
    rows = session.execute(query.order_by(ModelVersion.id.desc()).limit(limit))
    return [NamedVersion(*row) for row in rows]


def live_version(session: Session, model_id: str, but: str = "") -> ModelVersion | None:
    """The newest version of the model that an endpoint answers with, other than ``but``."""
    query = select(ModelVersion).where(ModelVersion.model_id == model_id, IS_LIVE, ModelVersion.id != but)
    return session.scalar(query.order_by(ModelVersion.number.desc()).limit(1))


def live_endpoints(session: Session, model_id: str) -> list[str]:
    """Names of the endpoints that answer with some version of the model."""
    query = select(ModelVersion.live_on).where(ModelVersion.model_id == model_id, IS_LIVE)
    return sorted({name for names in session.scalars(query) for name in names})


def decisions_of(session: Session, version_id: str) -> list[Decision]:
    """Newest first."""
    query = select(Decision).where(Decision.version_id == version_id)
    return list(session.scalars(query.order_by(Decision.id.desc())))


def locked_version(session: Session, version_id: str) -> ModelVersion | None:
    query = select(ModelVersion).where(ModelVersion.id == version_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def move_status(
    session: Session, version_id: str, *, before: ApprovalStatus, after: ApprovalStatus, row_version: int
) -> bool:
    """True for exactly one of any number of concurrent callers."""
    moved = update(ModelVersion).where(
        ModelVersion.id == version_id,
        ModelVersion.status == before,
        ModelVersion.validity == Validity.VALID,
        ModelVersion.row_version == row_version,
    )
    moved = moved.values(status=after, row_version=row_version + 1)
    return session.scalar(moved.returning(ModelVersion.id)) is not None


def make_void(session: Session, version_id: str, reason: str) -> bool:
    """True for the one that voided it; a version is voided once."""
    voided = update(ModelVersion).where(
        ModelVersion.id == version_id, ModelVersion.validity == Validity.VALID
    )
    voided = voided.values(
        validity=Validity.VOIDED, void_reason=reason, row_version=ModelVersion.row_version + 1
    )
    return session.scalar(voided.returning(ModelVersion.id)) is not None


def clock(session: Session) -> datetime:
    """The database's time, as a value."""
    return session.scalars(select(now())).one()
