"""The channels of notifications, and the messages to them.

The release before this one runs on: it doesn't know the tables, and sends nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "channels",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("changed_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("paused_at", moment),
        sa.Column("paused_by", sa.Text, nullable=False, server_default=""),
        sa.UniqueConstraint("name", name="uq_channels_name"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "deployment_id",
            sa.BigInteger,
            sa.ForeignKey(
                "deployments.id",
                ondelete="CASCADE",
                name="fk_notifications_deployment_id_deployments",
            ),
        ),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("node", sa.Text, nullable=False, server_default=""),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("sent_at", moment),
        sa.UniqueConstraint("key", name="uq_notifications_key"),
        sa.UniqueConstraint(
            "deployment_id", "event", "channel",
            name="uq_notifications_deployment_id_event_channel",
        ),
    )
    op.create_index(
        "ix_notifications_channel_id", "notifications", ["channel", "id"]
    )
    op.create_index(
        "ix_notifications_due", "notifications", ["next_at"],
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
