"""Uploads, data sets, and their versions. The rows themselves lie in the storage, as Parquet shards."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now
from app.core.numbers import Versioned


class VersionStatus(StrEnum):
    IMPORTING = "importing"
    READY = "ready"
    NEEDS_CONFIRMATION = "needs_confirmation"  # many rows were rejected: a person must look at them
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETED = "deleted"  # its rows are gone; what it was is kept for those who used it


class Upload(Main):
    """A file as it came. ``peek`` is what a first look at it found: columns, sample rows, a mapping."""

    __tablename__ = "upload"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    filename: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    tree_sha256: Mapped[str] = mapped_column(String(64))
    dataset_name: Mapped[str] = mapped_column(String(100))
    peek: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())


class Dataset(Versioned):
    __tablename__ = "dataset"
    __table_args__ = (UniqueConstraint("name"),)


class DatasetVersion(Main):
    """``facts`` is the version's ``version.json``; what lists sort or show stands in columns as well.

    Immutable once it is ready: ``tree_sha256`` names its files, ``content_sha256`` its rows and labels.
    A deleted one names no files any more; its row stays, so that its number is never given again.
    """

    __tablename__ = "dataset_version"
    __table_args__ = (
        UniqueConstraint("dataset_id", "number"),
        CheckConstraint(
            "status IN ('importing', 'ready', 'needs_confirmation', 'failed', 'cancelled', 'deleted')",
            name="status",
        ),
        CheckConstraint(
            "status NOT IN ('ready', 'needs_confirmation') OR tree_sha256 IS NOT NULL", name="tree"
        ),
        Index(None, "content_sha256"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset.id"))
    number: Mapped[int]
    status: Mapped[str] = mapped_column(String(30))
    message: Mapped[str] = mapped_column(Text, default="")
    upload_id: Mapped[str] = mapped_column(ForeignKey("upload.id"))
    run_id: Mapped[str | None] = mapped_column(String(40))
    tree_sha256: Mapped[str | None] = mapped_column(String(64))
    content_sha256: Mapped[str | None] = mapped_column(String(64))
    rows: Mapped[int | None] = mapped_column(BigInteger)
    rejected: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())
    finished_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(40))
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None] = mapped_column(String(40))
