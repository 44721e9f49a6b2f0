"""What app.datasets.subject asks of the database, and how it takes something out of it."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.datasets.tables import Dataset, DatasetVersion, Upload, VersionStatus
from app.integrations.aws.tables import CloudResource


def datasets_by_id(session: Session, ids: Sequence[str]) -> list[Dataset]:
    return list(session.scalars(select(Dataset).where(Dataset.id.in_(ids))))


def with_files_in_aws(session: Session, version_ids: Sequence[str]) -> set[str]:
    """Those of the versions whose rows the ledger of the cloud still knows."""
    files = [CloudResource.kind == "s3-prefix", CloudResource.deleted_at.is_(None)]
    query = select(CloudResource.subject_id).where(*files, CloudResource.subject_id.in_(version_ids))
    return {each for each in session.scalars(query) if each}


def living_versions_of(session: Session, upload_id: str) -> int:
    """How many versions that were not deleted were made from the upload."""
    alive = [DatasetVersion.upload_id == upload_id, DatasetVersion.status != VersionStatus.DELETED]
    return session.scalar(select(func.count()).select_from(DatasetVersion).where(*alive)) or 0


def remove_dataset(session: Session, dataset_id: str) -> int:
    """With its versions and the uploads that no other data set was made from; how many versions it had."""
    versions = DatasetVersion.dataset_id == dataset_id
    uploads = list(session.scalars(select(DatasetVersion.upload_id).where(versions)))
    removed = session.scalars(delete(DatasetVersion).where(versions).returning(DatasetVersion.id)).all()
    still_used = select(DatasetVersion.upload_id)
    session.execute(delete(Upload).where(Upload.id.in_(uploads), Upload.id.not_in(still_used)))
    session.execute(delete(Dataset).where(Dataset.id == dataset_id))
    return len(removed)
