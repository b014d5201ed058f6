"""Syntax checks of playbooks, and the warnings that follow from them.

The release before this one runs on: its syncs write no `check_key`, so that nothing is
checked.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, name in (("services", "warning"), ("registrations", "check_key")):
        op.add_column(
            table, sa.Column(name, sa.Text, nullable=False, server_default="")
        )
    op.create_table(
        "syntax_checks",
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.Column("repeat", sa.Boolean, nullable=False),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.now(),
        ),
        sa.PrimaryKeyConstraint("node", "key", name="pk_syntax_checks"),
    )
