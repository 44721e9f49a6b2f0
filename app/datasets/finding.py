"""Data sets and their versions, for the search across the product."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.findings import Found, number_of, saying
from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus


def find_datasets(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    """By name. Each leads to its newest version."""
    query = select(Dataset).where(saying(words, Dataset.name)).order_by(Dataset.name).limit(limit)
    return [
        Found(
            "data set",
            dataset.id,
            dataset.name,
            f"{dataset.last_number} version{'s' if dataset.last_number != 1 else ''}",
            f"/datasets/{dataset.id}",
            dataset.created_at,
        )
        for dataset in session.scalars(query)
    ]


def find_versions(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    """By the file they came from; ``clothing v2`` finds one by its name and number."""
    number = number_of(words[-1], "v") if len(words) > 1 else None
    query = (
        select(Dataset, DatasetVersion, Upload)
        .join(DatasetVersion, DatasetVersion.dataset_id == Dataset.id)
        .join(Upload, Upload.id == DatasetVersion.upload_id)
        .where(DatasetVersion.status != VersionStatus.DELETED)
    )
    if number is not None:
        query = query.where(saying(words[:-1], Dataset.name), DatasetVersion.number == number)
    else:
        query = query.where(saying(words, Upload.filename))
    rows = session.execute(query.order_by(DatasetVersion.id.desc()).limit(limit))
    return [_version(dataset, version, upload) for dataset, version, upload in rows]


def _version(dataset: Dataset, version: DatasetVersion, upload: Upload) -> Found:
    rows = f"{version.rows:,} rows, " if version.rows is not None else ""
    return Found(
        "data set version",
        version.id,
        f"{dataset.name} v{version.number}",
        f"{version.status.replace('_', ' ')}, {rows}from {upload.filename}",
        f"/datasets/{dataset.id}/v/{version.number}",
        version.created_at,
    )


def address_of_upload(session: Session, upload_id: str) -> str | None:
    return f"/uploads/{upload_id}" if session.get(Upload, upload_id) else None
