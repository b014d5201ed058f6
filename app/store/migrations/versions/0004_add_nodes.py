"""The nodes, and which services are registered on them.

The release before this one runs on: it knows neither table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("started_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("heartbeat_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("stopped_at", MOMENT),
        sa.Column("sync_asked_at", MOMENT),
        sa.PrimaryKeyConstraint("name", name="pk_nodes"),
    )
    op.create_table(
        "registrations",
        sa.Column("service_id", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("synced_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("service_id", "node", name="pk_registrations"),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
            name="fk_registrations_service_id_services",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_registrations_node", "registrations", ["node"])
    op.create_index(
        "ix_deployments_begun",
        "deployments",
        ["node"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )
