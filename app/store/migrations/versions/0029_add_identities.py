"""Accounts of OpenID providers, and the sessions that belong to those of providers.

The release before this one runs on: it knows neither, and shows these accounts as users
without a password.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_identities_user_id_users",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("user_id", name="uq_identities_user_id"),
    )  # fmt: skip
    op.create_table(
        "provider_sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("provided", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_provider_sessions"),
        sa.ForeignKeyConstraint(
            ["digest"], ["sessions.digest"],
            name="fk_provider_sessions_digest_sessions", ondelete="CASCADE",
        ),
    )  # fmt: skip
    op.create_index(
        "ix_provider_sessions_issuer_provided",
        "provider_sessions",
        ["issuer", "provided"],
    )
