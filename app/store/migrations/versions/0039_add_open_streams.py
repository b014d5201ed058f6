"""The open streams of users and tokens in all web processes; it isn't logged."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "open_streams",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_open_streams"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_open_streams_owner", "open_streams", ["owner"])
