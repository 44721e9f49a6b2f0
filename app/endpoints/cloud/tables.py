"""Endpoints that stand on SageMaker: what is wanted of each, and what AWS last said about it.

A row of CloudDeployment is a change that somebody asked for; only when AWS has carried it out does a
Deployment say that it was live. Its ``variant`` is the only one today; further ones, with weights, are rows.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now

VARIANT = "AllTraffic"


class Change(StrEnum):
    PENDING = "pending"  # asked for; AWS may know of it or not
    APPLIED = "applied"  # AWS is at it
    LIVE = "live"
    FAILED = "failed"
    RETIRED = (
        "retired"  # another one took its place, or the endpoint was deleted; its parts may still be there
    )
    REMOVED = "removed"  # nothing of it is left at AWS


class CloudEndpoint(Main):
    """``wanted_id`` is the change that AWS shall show, None where the endpoint shall not be there.

    ``status`` and ``reason`` are AWS's words, ``problem`` is why it could not be asked or would not do it.
    """

    __tablename__ = "cloud_endpoint"
    __table_args__ = (UniqueConstraint("name"), Index(None, "poll_at"))

    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(63))
    region: Mapped[str] = mapped_column(String(30))
    arn: Mapped[str] = mapped_column(String(300), default="")
    wanted_id: Mapped[str | None] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(30), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    problem: Mapped[str] = mapped_column(Text, default="")
    seen_at: Mapped[datetime | None]
    poll_at: Mapped[datetime | None]
    poll_until: Mapped[datetime | None]


class CloudDeployment(Main):
    __tablename__ = "cloud_deployment"
    __table_args__ = (
        CheckConstraint(
            "state IN ('pending', 'applied', 'live', 'failed', 'retired', 'removed')", name="state"
        ),
        Index(None, "endpoint_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("model_version.id"))
    deployment_id: Mapped[str | None] = mapped_column(ForeignKey("deployment.id"))
    actor_id: Mapped[str] = mapped_column(String(40))
    variant: Mapped[str] = mapped_column(String(63), default=VARIANT)
    model_name: Mapped[str] = mapped_column(String(63))
    config_name: Mapped[str] = mapped_column(String(63))
    instance_type: Mapped[str] = mapped_column(String(40))
    instance_count: Mapped[int]
    dollars_per_hour: Mapped[float | None]  # of one instance when it was asked for; None is unknown
    state: Mapped[str] = mapped_column(String(20), default=Change.PENDING)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now())
