"""The warnings of a deployment: what went wrong in it without making it fail.

The release before this one runs on: it doesn't know the column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deployments", sa.Column("warnings", sa.JSON()))
