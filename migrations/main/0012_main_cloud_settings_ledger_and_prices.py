"""Cloud settings, the ledger of cloud resources, prices"""

import sqlalchemy as sa
from alembic import op

from app.core import database

revision = "0012_main"
down_revision = "0011_main"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cloud_price",
        sa.Column("region", sa.String(length=30), nullable=False),
        sa.Column("instance_type", sa.String(length=40), nullable=False),
        sa.Column("usage", sa.String(length=20), nullable=False),
        sa.Column("dollars_per_hour", sa.Double(), nullable=True),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("region", "instance_type", "usage", name=op.f("pk_cloud_price")),
    )
    op.create_table(
        "cloud_resource",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("arn", sa.String(length=500), nullable=False),
        sa.Column("region", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.String(length=40), nullable=True),
        sa.Column("instance_type", sa.String(length=40), nullable=False),
        sa.Column("instance_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("state_at", database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", database.UtcDateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cloud_resource")),
        sa.UniqueConstraint("kind", "name", "region", name=op.f("uq_cloud_resource_kind_name_region")),
    )
    with op.batch_alter_table("cloud_resource", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cloud_resource_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "cloud_settings",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("installation_id", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=30), nullable=False),
        sa.Column("role_arn", sa.String(length=200), nullable=False),
        sa.Column("assume_role", sa.String(length=200), nullable=False),
        sa.Column("bucket", sa.String(length=63), nullable=False),
        sa.Column("prefix", sa.String(length=200), nullable=False),
        sa.Column("processing_instance", sa.String(length=40), nullable=False),
        sa.Column("training_instance", sa.String(length=40), nullable=False),
        sa.Column("serving_instance", sa.String(length=40), nullable=False),
        sa.Column("processing_image", sa.String(length=300), nullable=False),
        sa.Column("training_image", sa.String(length=300), nullable=False),
        sa.Column("serving_image", sa.String(length=300), nullable=False),
        sa.Column("spot", sa.Boolean(), nullable=False),
        sa.Column("updated_by", sa.String(length=40), nullable=False),
        sa.Column("updated_at", database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cloud_settings")),
    )


def downgrade() -> None:
    op.drop_table("cloud_settings")
    with op.batch_alter_table("cloud_resource", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cloud_resource_subject_id"))

    op.drop_table("cloud_resource")
    op.drop_table("cloud_price")
