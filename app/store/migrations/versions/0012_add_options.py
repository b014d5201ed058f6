"""The options of ansible-playbook, and whether a deployment is partial.

The release before this one runs on: it doesn't know the columns, and its runs have no
options.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("options", sa.JSON))
    op.add_column(
        "deployments",
        sa.Column("partial", sa.Boolean, nullable=False, server_default="false"),
    )
