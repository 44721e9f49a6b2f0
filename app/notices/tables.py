"""What a person is told: one row a person and event, written in the transaction that causes it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now

_UNREAD = text("read_at IS NULL")


class Kind(StrEnum):
    RUN_SUCCEEDED = "run_succeeded"
    RUN_FAILED = "run_failed"
    RUN_CANCELLED = "run_cancelled"
    GATE_CLOSED = "gate_closed"
    IMPORT_READY = "import_ready"
    IMPORT_DOUBTFUL = "import_doubtful"
    IMPORT_FAILED = "import_failed"
    VERSION_WAITS = "version_waits"
    VERSION_APPROVED = "version_approved"
    VERSION_REJECTED = "version_rejected"
    VERSION_VOIDED = "version_voided"


class Notice(Main):
    """``url`` is the page on which ``subject_id`` is looked at; opening it reads the notice."""

    __tablename__ = "notice"
    __table_args__ = (
        # The bell's count, asked with every page: only what is unread stands in it.
        Index("ix_notice_unread", "user_id", "url", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
        Index(None, "user_id", "id"),
        Index(None, "subject_id"),
        Index(None, "at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(default=now())
    read_at: Mapped[datetime | None]
