"""The account of a user: display, sessions with their origin, and personal tokens.

The release before this one runs on, except that it would accept a personal token with
all of its scopes; there is none before this release has run.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, usual in (("theme", "auto"), ("time_zone", "utc")):
        op.add_column(
            "users", sa.Column(name, sa.Text, nullable=False, server_default=usual)
        )
    number = sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False)
    op.add_column("sessions", number)
    op.create_unique_constraint("uq_sessions_id", "sessions", ["id"])
    for name in ("address", "user_agent"):
        op.add_column(
            "sessions", sa.Column(name, sa.Text, nullable=False, server_default="")
        )
    op.add_column(
        "tokens",
        sa.Column(
            "user_id",
            sa.BigInteger,
            sa.ForeignKey(
                "users.id", ondelete="CASCADE", name="fk_tokens_user_id_users"
            ),
        ),
    )
    valid = "revoked_at IS NULL"
    op.drop_index("uq_tokens_name", "tokens")
    op.create_index(
        "uq_tokens_name",
        "tokens",
        ["name"],
        unique=True,
        postgresql_where=sa.text(f"{valid} AND user_id IS NULL"),
    )
    op.create_index(
        "uq_tokens_user_id_name",
        "tokens",
        ["user_id", "name"],
        unique=True,
        postgresql_where=sa.text(valid),
    )
