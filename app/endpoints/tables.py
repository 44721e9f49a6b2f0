"""Endpoints and what was live on each, from when until when, by whom."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now

_LIVE = text("retired_at IS NULL")


class Endpoint(Main):
    """A deleted one answers nothing and is on no list, but what was live on it stays told.

    Deploying under its name brings it back.
    """

    __tablename__ = "endpoint"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(63))
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now())
    deleted_at: Mapped[datetime | None]


class Deployment(Main):
    """One recorded change of what is live. The one that is not retired answers; there is at most one.

    ``retired_by`` is who ended it: whoever deployed the next one, or stopped the endpoint.
    """

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
    retired_by: Mapped[str | None] = mapped_column(String(40))
