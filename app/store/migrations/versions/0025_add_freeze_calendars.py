"""The calendars of freezes that schedules name.

The release before this one runs on: none of its schedules names one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "freeze_calendars",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False, server_default=""),
        sa.Column("freezes", sa.JSON),
        sa.Column("covers_until", moment),
        sa.Column("read_at", moment),
        sa.Column("next_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("failing_since", moment),
        sa.PrimaryKeyConstraint("id", name="pk_freeze_calendars"),
        sa.UniqueConstraint("scope", "source", name="uq_freeze_calendars_scope_source"),
    )
    op.create_index("ix_freeze_calendars_next_at", "freeze_calendars", ["next_at"])
