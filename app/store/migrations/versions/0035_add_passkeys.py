"""Passkeys, their challenges, and who has authenticated the user of a session.

The release before this one runs on: it asks nobody for a passkey, and its sessions of
users of providers count as ones of a password until they end.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "passkeys",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("transports", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("last_used_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_passkeys_user_id_users",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
        sa.UniqueConstraint("user_id", "name", name="uq_passkeys_user_id_name"),
    )  # fmt: skip
    op.create_table(
        "passkey_challenges",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("challenge", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_passkey_challenges"),
        sa.ForeignKeyConstraint(
            ["digest"], ["sessions.digest"],
            name="fk_passkey_challenges_digest_sessions", ondelete="CASCADE",
        ),
    )  # fmt: skip
    op.add_column("login_steps", sa.Column("challenge", sa.LargeBinary))
    op.add_column(
        "sessions",
        sa.Column("provider", sa.Text, nullable=False, server_default=""),
    )
    op.execute(
        "UPDATE sessions SET provider = 'provider' "
        "WHERE user_id IN (SELECT user_id FROM identities)"
    )
