"""The approvals of deployments.

The release before this one runs on: it launches nothing that needs an approval, since
it rejects the key `approval` of a service.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "approvals",
        sa.Column("deployment_id", sa.BigInteger, nullable=False),
        sa.Column("launcher", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("token_id", sa.BigInteger),
        sa.Column("schedule_creator", sa.Text, nullable=False, server_default=""),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("decision", sa.Text),
        sa.Column("decided_by", sa.Text, nullable=False, server_default=""),
        sa.Column("decided_at", moment),
        sa.Column("comment", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("deployment_id", name="pk_approvals"),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name="fk_approvals_deployment_id_deployments",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_approvals_undecided",
        "approvals",
        ["expires_at"],
        postgresql_where=sa.text("decision IS NULL"),
    )
