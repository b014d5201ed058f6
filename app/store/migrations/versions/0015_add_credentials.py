"""The credentials.

The release before this one runs on: it doesn't know the table, and its deployments
have no credentials.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "credentials",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True)),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("home", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("key_id", sa.Text),
        sa.Column("command", ARRAY(sa.Text)),
        sa.Column("public_key", sa.Text, nullable=False, server_default=""),
        sa.Column("fingerprint", sa.Text, nullable=False, server_default=""),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("changed_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("last_used_at", moment),
        sa.Column("last_used_deployment", sa.BigInteger),
        sa.UniqueConstraint("kind", "name", name="uq_credentials_kind_name"),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
    )
