"""The cloud half's settings, the ledger of what was made there, and what it costs."""

from datetime import date, datetime

from sqlalchemy import Date, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Main, now

ONLY = 1  # the number of the only row


class CloudSettings(Main):
    """One row: what an administrator entered. Never a credential: boto3's own chain finds those."""

    __tablename__ = "cloud_settings"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Goes onto every resource as a tag; it stays when bucket or region change.
    installation_id: Mapped[str] = mapped_column(String(40))
    region: Mapped[str] = mapped_column(String(30))
    role_arn: Mapped[str] = mapped_column(String(200))
    assume_role: Mapped[str] = mapped_column(String(200), default="")
    bucket: Mapped[str] = mapped_column(String(63))
    prefix: Mapped[str] = mapped_column(String(200))
    processing_instance: Mapped[str] = mapped_column(String(40))
    training_instance: Mapped[str] = mapped_column(String(40))
    serving_instance: Mapped[str] = mapped_column(String(40))
    # Empty: the usual one of the region, see images.py.
    processing_image: Mapped[str] = mapped_column(String(300), default="")
    training_image: Mapped[str] = mapped_column(String(300), default="")
    serving_image: Mapped[str] = mapped_column(String(300), default="")
    spot: Mapped[bool] = mapped_column(default=False)
    updated_by: Mapped[str] = mapped_column(String(40))
    updated_at: Mapped[datetime] = mapped_column(default=now(), onupdate=now())


class CloudResource(Main):
    """Something the product made at AWS, written down before it was asked for, so that none is unseen."""

    __tablename__ = "cloud_resource"
    __table_args__ = (UniqueConstraint("kind", "name", "region"), Index(None, "subject_id"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(300))
    arn: Mapped[str] = mapped_column(String(500), default="")
    region: Mapped[str] = mapped_column(String(30))
    subject_id: Mapped[str | None] = mapped_column(String(40))  # the run, version or endpoint it is for
    instance_type: Mapped[str] = mapped_column(String(40), default="")
    instance_count: Mapped[int] = mapped_column(default=1)
    # As AWS last told it, in its own words; empty until somebody asked.
    state: Mapped[str] = mapped_column(String(40), default="")
    state_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now())
    deleted_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(Text, default="")  # why the last attempt to delete it failed


class CloudPrice(Main):
    """A price that an administrator entered; it stands above the one in prices.csv. None: unknown."""

    __tablename__ = "cloud_price"

    region: Mapped[str] = mapped_column(String(30), primary_key=True)
    instance_type: Mapped[str] = mapped_column(String(40), primary_key=True)
    usage: Mapped[str] = mapped_column(String(20), primary_key=True)
    dollars_per_hour: Mapped[float | None]
    as_of: Mapped[date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(300))
