"""When what a deployment printed was removed; and from a job to its deployment.

The release before this one runs on: it neither reads nor writes the column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("pruned_at", sa.DateTime(timezone=True)))
    op.create_index("ix_deployments_job_id", "deployments", ["job_id"])
