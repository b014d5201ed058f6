"""The traces of deployments that are sent to a collector."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "traces",
        sa.Column("deployment_id", sa.BigInteger, nullable=False),
        sa.Column("parent", sa.Text, nullable=False, server_default=""),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("due_at", moment),
        sa.Column("settled_at", moment),
        sa.PrimaryKeyConstraint("deployment_id", name="pk_traces"),
        sa.ForeignKeyConstraint(
            ["deployment_id"],
            ["deployments.id"],
            name="fk_traces_deployment_id_deployments",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_traces_due",
        "traces",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
