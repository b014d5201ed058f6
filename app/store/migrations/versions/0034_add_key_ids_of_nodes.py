"""The ids of the secret keys that each node has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "nodes",
        sa.Column("key_ids", ARRAY(sa.Text), nullable=False, server_default="{}"),
    )
