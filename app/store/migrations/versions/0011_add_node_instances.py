"""The instance of a node: which start of which worker, and where that runs.

The release before this one runs on: it writes neither column, and goes by `identity`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("instance", "place"):
        op.add_column(
            "nodes", sa.Column(name, sa.Text, nullable=False, server_default="")
        )
