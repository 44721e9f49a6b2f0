"""What the first page asks of data sets: what waits for somebody, and what is newest."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.core.database import now
from app.datasets.queries import NamedVersion
from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus
from app.keeping.queries import archived_ids

UNMAPPED_SECONDS = 7 * 24 * 3600

_NAMED = (
    select(Dataset, DatasetVersion, Upload)
    .join(DatasetVersion, DatasetVersion.dataset_id == Dataset.id)
    .join(Upload, Upload.id == DatasetVersion.upload_id)
)


def unmapped(session: Session, actor_id: str, limit: int = 5) -> Sequence[Upload]:
    """Files that this person has uploaded lately and never imported."""
    used = select(DatasetVersion.id).where(DatasetVersion.upload_id == Upload.id)
    query = select(Upload).where(
        Upload.created_by == actor_id, Upload.created_at > now(-UNMAPPED_SECONDS), ~used.exists()
    )
    return session.scalars(query.order_by(Upload.id.desc()).limit(limit)).all()


def doubtful(session: Session, limit: int = 5) -> list[NamedVersion]:
    """Versions that wait until somebody has looked at their rejected rows."""
    waits = (DatasetVersion.status == VersionStatus.NEEDS_CONFIRMATION, Dataset.id.not_in(archived_ids()))
    return _named(session, *waits, limit=limit)


def newest(session: Session, limit: int = 5) -> list[NamedVersion]:
    return _named(session, DatasetVersion.status == VersionStatus.READY, limit=limit)


def any_ready(session: Session) -> bool:
    ready = select(DatasetVersion.id).where(DatasetVersion.status == VersionStatus.READY).limit(1)
    return session.scalar(ready) is not None


def made_at(named: NamedVersion) -> datetime:
    return named.version.finished_at or named.version.created_at


def _named(session: Session, *conditions: ColumnElement[bool], limit: int) -> list[NamedVersion]:
    query = _NAMED.where(*conditions).order_by(DatasetVersion.id.desc()).limit(limit)
    return [NamedVersion(*row) for row in session.execute(query)]
