"""The revision of a project that a deployment runs.

The release before this one runs on: it doesn't know the columns, and its deployments
have no revision.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("commit", "ref", "changes"):
        op.add_column(
            "deployments",
            sa.Column(name, sa.Text, nullable=False, server_default=""),
        )
