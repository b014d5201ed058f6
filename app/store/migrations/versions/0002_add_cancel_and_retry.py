"""Who asked that a deployment ends; its priority; which one it repeats.

The release before this one runs on: it neither reads nor writes these columns.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deployments", sa.Column("cancel_requested_at", sa.DateTime(timezone=True))
    )
    op.add_column("deployments", sa.Column("cancel_requested_by", sa.Text()))
    op.add_column(
        "deployments",
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
    )
    op.add_column("deployments", sa.Column("retry_of", sa.BigInteger()))
    op.create_foreign_key(
        "fk_deployments_retry_of_deployments",
        "deployments",
        "deployments",
        ["retry_of"],
        ["id"],
        ondelete="SET NULL",
    )
