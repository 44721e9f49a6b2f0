"""Every read of data sets, and the guarded writes whose WHERE is the rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.core.database import now
from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus
from app.keeping.queries import archived_ids, tagged_ids


@dataclass(frozen=True)
class NamedVersion:
    dataset: Dataset
    version: DatasetVersion
    upload: Upload


class Order(StrEnum):
    """Of a list of data sets, as it stands in the address."""

    NAME = "name"
    UPDATED = "updated"
    ROWS = "rows"


@dataclass(frozen=True)
class DatasetFilter:
    """``text`` is looked for in names of data sets and of the files that they came from."""

    text: str = ""
    tag: str = ""
    archived: bool = False


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


def dataset_names(session: Session, limit: int = 200) -> list[str]:
    """For a list to choose from."""
    return list(session.scalars(select(Dataset.name).order_by(Dataset.name).limit(limit)))


def list_datasets(
    session: Session, cursor: str | None = None, limit: int = 50, narrowed: DatasetFilter | None = None
) -> DatasetPage:
    """By name. The cursor is the last name of the page before."""
    conditions = _conditions(narrowed or DatasetFilter())
    query = _NAMED.where(*conditions).order_by(Dataset.name).limit(limit + 1)
    if cursor:
        query = query.where(Dataset.name > cursor)
    rows = [NamedVersion(*row) for row in session.execute(query)]
    return DatasetPage(
        rows[:limit],
        count_datasets(session, narrowed or DatasetFilter()),
        rows[limit - 1].dataset.name if len(rows) > limit else None,
    )


def find_datasets(
    session: Session, narrowed: DatasetFilter, order: Order, start: int = 0, limit: int = 50
) -> list[NamedVersion]:
    query = _NAMED.where(*_conditions(narrowed)).order_by(_ORDERS[order], Dataset.name)
    return [NamedVersion(*row) for row in session.execute(query.offset(start).limit(limit))]


def count_datasets(session: Session, narrowed: DatasetFilter) -> int:
    joined = select(func.count()).select_from(Dataset).join(DatasetVersion).join(Upload)
    return session.scalar(joined.where(*_conditions(narrowed))) or 0


def _conditions(narrowed: DatasetFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [DatasetVersion.number == Dataset.last_number]
    away = Dataset.id.in_(archived_ids())
    conditions.append(away if narrowed.archived else ~away)
    if narrowed.text:
        named = Dataset.name.icontains(narrowed.text, autoescape=True)
        came = Upload.filename.icontains(narrowed.text, autoescape=True)
        conditions.append(or_(named, came, Dataset.id == narrowed.text))
    if narrowed.tag:
        conditions.append(Dataset.id.in_(tagged_ids(narrowed.tag)))
    return conditions


_ORDERS: dict[Order, ColumnElement[Any]] = {
    Order.NAME: Dataset.name.asc(),
    Order.UPDATED: func.coalesce(DatasetVersion.finished_at, DatasetVersion.created_at).desc(),
    Order.ROWS: func.coalesce(DatasetVersion.rows, 0).desc(),
}


def waiting_uploads(session: Session, limit: int = 20) -> list[Upload]:
    """Those that nobody has imported or discarded, newest first."""
    imported = select(DatasetVersion.id).where(DatasetVersion.upload_id == Upload.id)
    query = (
        select(Upload)
        .where(~imported.exists(), Upload.tree_sha256 != "")
        .order_by(Upload.created_at.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def versions_from(session: Session, upload_id: str) -> list[NamedVersion]:
    """What the upload was imported as."""
    query = _NAMED.where(Upload.id == upload_id).order_by(DatasetVersion.id)
    return [NamedVersion(*row) for row in session.execute(query)]


def forget_upload(session: Session, upload_id: str) -> bool:
    """True where it was there and no version was made of it."""
    imported = select(DatasetVersion.id).where(DatasetVersion.upload_id == Upload.id)
    gone = delete(Upload).where(Upload.id == upload_id, ~imported.exists())
    return session.scalar(gone.returning(Upload.id)) is not None


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


def discard(session: Session, version_id: str, message: str) -> bool:
    """True for exactly one of any number of concurrent callers: nobody uses what waits for a confirmation."""
    discarded = update(DatasetVersion).where(
        DatasetVersion.id == version_id, DatasetVersion.status == VersionStatus.NEEDS_CONFIRMATION
    )
    discarded = discarded.values(status=VersionStatus.CANCELLED, message=message)
    return session.scalar(discarded.returning(DatasetVersion.id)) is not None
