"""What is done again and again, and when it is due: read by every worker, done by the one that is first."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now


class Schedule(Main):
    """One recurring chore. Whoever raises ``next_at`` does it; should they die, it is due again soon after.

    ``outcome`` is what it said when it last ended well, ``error`` why it did not.
    """

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(default=now())
    owner: Mapped[str] = mapped_column(String(100), default="")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[dict[str, Any] | None]
    error: Mapped[str] = mapped_column(Text, default="")
