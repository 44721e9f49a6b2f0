"""Models, their numbered versions, and every decision that was ever taken on one.

``status`` is what people decided, in SageMaker's words; ``validity`` is whether the files are still those
that were decided on. Both must be good before anything is served.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now
from app.core.numbers import Versioned


class ApprovalStatus(StrEnum):
    PENDING = "PendingManualApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"


class Validity(StrEnum):
    VALID = "valid"
    VOIDED = "voided"  # a file no longer has the content that the evidence names; never undone


class Model(Versioned):
    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("name"),)


class ModelVersion(Main):
    """``row_version`` grows with each decision, so that one taken on an older sight of it is refused.

    ``evidence`` names every input by its hash and ``evidence_sha256`` is the hash of that: the approval
    binds it. ``evaluation`` is the part of evaluation.json that lists and pages show. ``live_on`` names
    the endpoints that this version answers on now; only deployments write it.
    """

    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("model_id", "number"),
        UniqueConstraint("step_id"),  # a repeated step finds the version it made before
        CheckConstraint("status IN ('PendingManualApproval', 'Approved', 'Rejected')", name="status"),
        CheckConstraint("validity IN ('valid', 'voided')", name="validity"),
        Index(None, "status"),
        Index(None, "run_id"),
        Index(None, "dataset_version_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"))
    number: Mapped[int]
    status: Mapped[str] = mapped_column(String(30))
    validity: Mapped[str] = mapped_column(String(10), default=Validity.VALID)
    void_reason: Mapped[str] = mapped_column(Text, default="")
    row_version: Mapped[int] = mapped_column(default=1)
    run_id: Mapped[str] = mapped_column(String(40))
    step_id: Mapped[str] = mapped_column(String(40))
    dataset_version_id: Mapped[str | None] = mapped_column(String(40))
    author_id: Mapped[str] = mapped_column(String(40))
    fields: Mapped[list[Any]]
    labels: Mapped[list[Any]]
    evaluation: Mapped[dict[str, Any]]
    evidence: Mapped[dict[str, Any]]
    evidence_sha256: Mapped[str] = mapped_column(String(64))
    live_on: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now())


class Decision(Main):
    """One decision, kept for ever. ``evidence_sha256`` is what the decision was taken on."""

    __tablename__ = "model_decision"
    __table_args__ = (Index(None, "version_id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    version_id: Mapped[str] = mapped_column(ForeignKey("model_version.id"))
    before: Mapped[str] = mapped_column(String(30))
    after: Mapped[str] = mapped_column(String(30))
    comment: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(String(40))
    evidence_sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=now())
