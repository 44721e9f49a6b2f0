"""Every read of data sets, and the guarded writes whose WHERE is the rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus


@dataclass(frozen=True)
class NamedVersion:
    dataset: Dataset
    version: DatasetVersion
    upload: Upload


@dataclass(frozen=True)
class DatasetPage:
    """Each data set with its newest version. ``next`` is the cursor of the following page."""

    items: Sequence[NamedVersion]
    total: int
    next: str | None


_NAMED = (
    select(Dataset, DatasetVersion, Upload)
    .join(DatasetVersion, DatasetVersion.dataset_id == Dataset.id)
    .join(Upload, Upload.id == DatasetVersion.upload_id)
)


def clock(session: Session) -> datetime:
    """The database's time, as a value."""
    return session.scalars(select(now())).one()


def upload_by_id(session: Session, upload_id: str) -> Upload | None:
    return session.get(Upload, upload_id)


def dataset_by_name(session: Session, name: str) -> Dataset | None:
    """By name, or by id."""
    found = session.scalar(select(Dataset).where(Dataset.name == name))
    return found or session.get(Dataset, name)


def list_datasets(session: Session, cursor: str | None = None, limit: int = 50) -> DatasetPage:
    """By name. The cursor is the last name of the page before."""
    query = _NAMED.where(DatasetVersion.number == Dataset.last_number).order_by(Dataset.name).limit(limit + 1)
    if cursor:
        query = query.where(Dataset.name > cursor)
    rows = [NamedVersion(*row) for row in session.execute(query)]
    total = session.scalar(select(func.count()).select_from(Dataset)) or 0
    return DatasetPage(rows[:limit], total, rows[limit - 1].dataset.name if len(rows) > limit else None)


def versions_of(session: Session, dataset_id: str) -> list[NamedVersion]:
    """Newest first."""
    query = _NAMED.where(Dataset.id == dataset_id).order_by(DatasetVersion.number.desc())
    return [NamedVersion(*row) for row in session.execute(query)]


def version_by_number(session: Session, dataset_id: str, number: int) -> NamedVersion | None:
    query = _NAMED.where(Dataset.id == dataset_id, DatasetVersion.number == number)
    row = session.execute(query).one_or_none()
    return NamedVersion(*row) if row else None


def version_by_id(session: Session, version_id: str) -> NamedVersion | None:
    return named_versions(session, [version_id]).get(version_id)


def named_versions(session: Session, version_ids: Sequence[str]) -> dict[str, NamedVersion]:
    rows = session.execute(_NAMED.where(DatasetVersion.id.in_(version_ids)))
    return {version.id: NamedVersion(dataset, version, upload) for dataset, version, upload in rows}


def newest_ready(session: Session, dataset_id: str) -> NamedVersion | None:
    ready = [Dataset.id == dataset_id, DatasetVersion.status == VersionStatus.READY]
    query = _NAMED.where(*ready).order_by(DatasetVersion.number.desc()).limit(1)
    row = session.execute(query).one_or_none()
    return NamedVersion(*row) if row else None


def ready_datasets(session: Session, limit: int = 500) -> list[NamedVersion]:
    """The newest ready version of each data set, by name: what a run can be launched on."""
    newest = select(func.max(DatasetVersion.number)).where(
        DatasetVersion.dataset_id == Dataset.id, DatasetVersion.status == VersionStatus.READY
    )
    query = _NAMED.where(DatasetVersion.number == newest.correlate(Dataset).scalar_subquery())
    return [NamedVersion(*row) for row in session.execute(query.order_by(Dataset.name).limit(limit))]


def same_content(session: Session, version: DatasetVersion) -> list[NamedVersion]:
    """Other versions that hold the very same rows and labels."""
    if version.content_sha256 is None:
        return []
    alike = [DatasetVersion.content_sha256 == version.content_sha256, DatasetVersion.id != version.id]
    query = _NAMED.where(*alike).order_by(DatasetVersion.id).limit(10)
    return [NamedVersion(*row) for row in session.execute(query)]


def locked_version(session: Session, version_id: str) -> DatasetVersion | None:
    query = select(DatasetVersion).where(DatasetVersion.id == version_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def follow_import(session: Session, version_id: str, status: VersionStatus, message: str) -> bool:
    """True where the status is new. A version that was published stays what it is."""
    unpublished = DatasetVersion.tree_sha256.is_(None)
    moved = update(DatasetVersion).where(
        DatasetVersion.id == version_id, DatasetVersion.status != status, unpublished
    )
    ended = None if status == VersionStatus.IMPORTING else now()
    moved = moved.values(status=status, message=message, finished_at=ended)
    return session.scalar(moved.returning(DatasetVersion.id)) is not None


def confirm(session: Session, version_id: str, actor_id: str) -> bool:
    """True for exactly one of any number of concurrent callers."""
    confirmed = update(DatasetVersion).where(
        DatasetVersion.id == version_id, DatasetVersion.status == VersionStatus.NEEDS_CONFIRMATION
    )
    confirmed = confirmed.values(status=VersionStatus.READY, confirmed_by=actor_id)
    return session.scalar(confirmed.returning(DatasetVersion.id)) is not None
