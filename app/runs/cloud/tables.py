"""Jobs at AWS: one row a job, written before the service is asked to create it, and never deleted with its
run: what may still run and cost money must not be forgotten.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now

# Said again in a query, word for word, it lets SQLite use the index that has no other jobs in it.
OPEN = text("ended_at IS NULL")


class CloudJob(Main):
    """``status`` is the service's own word, ``phase`` its finer one, ``reason`` what it says of a failure.

    ``poll_owner`` looks after the job until ``poll_until``, by the database's clock, as a lease; ``poll_at``
    is when somebody should look next. ``log_positions`` is how far its log has been taken over. ``problem``
    is why nobody can reach it now. ``facts`` is what its host wants to know again. A job that failed or was
    stopped is followed by another row; one whose submitter died is found by its name and kept, and ``fence``
    and ``attempt`` are then those of the attempt that adopted it.
    """

    __tablename__ = "cloud_job"
    __table_args__ = (
        UniqueConstraint("name"),
        Index("ix_cloud_job_open", "poll_at", sqlite_where=OPEN, postgresql_where=OPEN),
        Index(None, "step_id"),
        Index(None, "run_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(40))
    step_id: Mapped[str] = mapped_column(String(40))
    fence: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    host: Mapped[str] = mapped_column(String(20))  # sagemaker, sagemaker-pipeline
    kind: Mapped[str] = mapped_column(String(20))  # processing, training
    name: Mapped[str] = mapped_column(String(63))
    arn: Mapped[str] = mapped_column(Text, default="")
    region: Mapped[str] = mapped_column(String(40))
    output_uri: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(String(40), default="")  # empty until the service has answered
    phase: Mapped[str] = mapped_column(String(60), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    instance_type: Mapped[str] = mapped_column(String(40))
    instance_count: Mapped[int] = mapped_column(default=1)
    spot: Mapped[bool] = mapped_column(default=False)
    price_per_hour: Mapped[float | None]  # dollars, an instance; None: unknown
    max_seconds: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    billable_seconds: Mapped[float | None]
    poll_at: Mapped[datetime | None]
    poll_owner: Mapped[str | None] = mapped_column(String(100))
    poll_until: Mapped[datetime | None]
    polls_failed: Mapped[int] = mapped_column(default=0)  # in a row
    log_positions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problem: Mapped[str] = mapped_column(Text, default="")
    stop_requested_at: Mapped[datetime | None]
    stop_reason: Mapped[str] = mapped_column(Text, default="")

    @property
    def dollars(self) -> float | None:
        """What it has cost, as far as the service has told its seconds and we know its price."""
        return None if self.billable_seconds is None else self.dollars_for(self.billable_seconds)

    def dollars_for(self, seconds: float) -> float | None:
        """At the price of the day it was begun; None where nobody knows that."""
        return (
            None
            if self.price_per_hour is None
            else self.price_per_hour * seconds / 3600 * self.instance_count
        )
