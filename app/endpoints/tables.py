"""Endpoints and what was live on each, from when until when."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now

_LIVE = text("retired_at IS NULL")


class Endpoint(Main):
    __tablename__ = "endpoint"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(63))
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())


class Deployment(Main):
    """One recorded change of what is live. The one that is not retired answers; there is at most one."""

    __tablename__ = "deployment"
    __table_args__ = (
        Index("uq_deployment_live", "endpoint_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index(None, "endpoint_id"),
        Index(None, "version_id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoint.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("model_version.id"))
    actor_id: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())
    retired_at: Mapped[datetime | None]
