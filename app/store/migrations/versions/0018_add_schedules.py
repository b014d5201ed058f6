"""The schedules of services.

The release before this one runs on: it doesn't know the table, and launches nothing by
itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "schedules",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "service_id",
            sa.BigInteger,
            sa.ForeignKey(
                "services.id",
                ondelete="CASCADE",
                name="fk_schedules_service_id_services",
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False, server_default=""),
        sa.Column("next_at", moment),
        sa.Column("last_at", moment),
        sa.Column("last_deployment", sa.BigInteger),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("paused_at", moment),
        sa.Column("paused_until", moment),
        sa.Column("paused_by", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint(
            "service_id", "name", name="uq_schedules_service_id_name"
        ),
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"])
