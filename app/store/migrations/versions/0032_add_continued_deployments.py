"""Retries on some hosts, deployments that continue another one, dismissed handlers.

The release before this one runs on: it makes retries on all hosts only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("retry_scope", sa.Text))
    op.add_column("deployments", sa.Column("hosts", sa.JSON))
    op.add_column(
        "deployments",
        sa.Column("completes", sa.Boolean, nullable=False, server_default="false"),
    )
    op.add_column("owed_handlers", sa.Column("dismissed_by", sa.Text))
    op.add_column(
        "owed_handlers", sa.Column("dismissed_at", sa.DateTime(timezone=True))
    )
