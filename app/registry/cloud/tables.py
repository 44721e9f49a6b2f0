"""Which models are kept in step with SageMaker's registry, and how each version stands there."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now


class CloudModel(Main):
    """A model for which somebody has switched the keeping in step on, or off again."""

    __tablename__ = "cloud_model"

    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"), primary_key=True)
    sync: Mapped[bool]
    group_name: Mapped[str] = mapped_column(String(63))
    group_arn: Mapped[str] = mapped_column(String(300), default="")
    switched_by: Mapped[str] = mapped_column(String(40))
    switched_at: Mapped[datetime] = mapped_column(default=now())
    checked_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(Text, default="")


class CloudPackage(Main):
    """One version's package. ``agreed`` is the status that both sides had when they were last in step.

    ``seen_status``, ``seen_by`` and ``seen_at`` are AWS's own: what it said last, who changed it there, when.
    ``busy_until`` is the lease of the worker that is at it.
    """

    __tablename__ = "cloud_package"
    __table_args__ = (Index(None, "arn"),)

    version_id: Mapped[str] = mapped_column(ForeignKey("model_version.id"), primary_key=True)
    arn: Mapped[str] = mapped_column(String(300), default="")
    model_data: Mapped[str] = mapped_column(Text, default="")
    agreed: Mapped[str] = mapped_column(String(30), default="")
    seen_status: Mapped[str] = mapped_column(String(30), default="")
    seen_by: Mapped[str] = mapped_column(String(300), default="")
    seen_at: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(Text, default="")
    busy_until: Mapped[datetime | None]
