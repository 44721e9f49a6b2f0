"""Errands: what a worker does in the cloud because a person asked for it, beside runs and their steps.

A request writes one down and answers at once; no page ever waits for AWS. An errand is short, repeatable, and
holds no transaction while it is under way, which is why it is neither a native step nor an outbox message.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now


class ErrandState(StrEnum):
    WAITING = "waiting"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (ErrandState.WAITING, ErrandState.WORKING)


class Errand(Main):
    """``subject_id`` is what it is about, ``details`` what was asked, ``result`` what came of it.

    ``fence`` rises with each taking: who comes back with an older one changes nothing.
    """

    __tablename__ = "cloud_errand"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'working', 'done', 'failed', 'cancelled')", name="state"),
        Index(None, "subject_id", "kind"),
        Index(None, "state"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(40))
    details: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20))
    fence: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int | None] = mapped_column(BigInteger)
    message: Mapped[str] = mapped_column(Text, default="")
    advice: Mapped[str] = mapped_column(Text, default="")
    result: Mapped[dict[str, Any] | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
