"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

from app.core import database

revision = "0001_telemetry"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_chunk",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("step_id", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_chunk")),
    )
    with op.batch_alter_table("log_chunk", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_log_chunk_run_id_step_id_attempt_line"),
            ["run_id", "step_id", "attempt", "line"],
            unique=False,
        )

    op.create_table(
        "metric_point",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("step_id", sa.String(length=40), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("at", database.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_point")),
    )
    with op.batch_alter_table("metric_point", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_metric_point_run_id_step_id_attempt_id"),
            ["run_id", "step_id", "attempt", "id"],
            unique=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("metric_point", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_metric_point_run_id_step_id_attempt_id"))

    op.drop_table("metric_point")
    with op.batch_alter_table("log_chunk", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_log_chunk_run_id_step_id_attempt_line"))

    op.drop_table("log_chunk")
