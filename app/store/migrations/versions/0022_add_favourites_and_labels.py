"""The favourites of users, and the labels of services.

The release before this one runs on: it writes neither of them, so a service that it
syncs keeps its labels.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "services",
        sa.Column("labels", ARRAY(sa.Text), nullable=False, server_default="{}"),
    )
    op.create_table(
        "favourites",
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "service", name="pk_favourites"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name="fk_favourites_user_id_users",
            ondelete="CASCADE",
        ),
    )
