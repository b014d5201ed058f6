"""Handlers that tasks notified, and that did not run.

The release before this one runs on: it records runs without rows in this table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "owed_handlers",
        sa.Column("deployment_id", sa.BigInteger, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("handler", sa.Text, nullable=False),
        sa.Column("service_id", sa.BigInteger, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("cleared_by", sa.BigInteger),
        sa.PrimaryKeyConstraint(
            "deployment_id", "host", "handler", name="pk_owed_handlers"
        ),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name="fk_owed_handlers_deployment_id_deployments",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
            name="fk_owed_handlers_service_id_services",
        ),
        sa.ForeignKeyConstraint(
            ["cleared_by"],
            ["deployments.id"],
            name="fk_owed_handlers_cleared_by_deployments",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_owed_handlers_service_id_deployment_id",
        "owed_handlers",
        ["service_id", "deployment_id"],
        postgresql_where=sa.text("cleared_by IS NULL"),
    )
    op.create_index("ix_owed_handlers_cleared_by", "owed_handlers", ["cleared_by"])
