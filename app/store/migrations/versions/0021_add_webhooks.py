"""Webhooks, their deliveries, and what these have launched.

The release before this one runs on: it doesn't know the tables.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def _foreign(
    table: str, column: str, other: str, *, primary: bool = False
) -> sa.Column[int]:
    key = sa.ForeignKey(
        f"{other}.id", ondelete="CASCADE", name=f"fk_{table}_{column}_{other}"
    )
    return sa.Column(
        column, sa.BigInteger, key, primary_key=primary, nullable=False
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def upgrade() -> None:
    _webhooks()
    _deliveries()
    _launches()


def _webhooks() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("rotated_at", moment),
        _text("status_credential"),
        _text("api_url"),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("paused_at", moment),
        _text("paused_by"),
        sa.Column("refused_at", moment),
        _text("refused_reason"),
        _text("refused_address"),
        sa.UniqueConstraint("name", name="uq_webhooks_name"),
    )


def _deliveries() -> None:
    moment = sa.DateTime(timezone=True)
    table = "webhook_deliveries"
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _foreign(table, "webhook_id", "webhooks"),
        sa.Column("delivery", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("pushes", sa.JSON, nullable=False),
        sa.Column("received_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("state", sa.Text, nullable=False),
        _text("answer"),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", moment),
        sa.Column("claimed_at", moment),
        _text("claimed_by"),
        sa.UniqueConstraint(
            "webhook_id", "delivery", name=f"uq_{table}_webhook_id_delivery"
        ),
        sa.UniqueConstraint(
            "webhook_id", "digest", name=f"uq_{table}_webhook_id_digest"
        ),
    )
    op.create_index(f"ix_{table}_webhook_id_id", table, ["webhook_id", "id"])
    op.create_index(f"ix_{table}_received_at", table, ["received_at"])
    op.create_index(
        f"ix_{table}_queued",
        table,
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )


def _launches() -> None:
    table = "webhook_launches"
    op.create_table(
        table,
        _foreign(table, "deployment_id", "deployments", primary=True),
        _foreign(table, "delivery_id", "webhook_deliveries"),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("commit", sa.Text, nullable=False),
        _text("sent"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        _text("problem"),
    )
    op.create_index(f"ix_{table}_delivery_id", table, ["delivery_id"])
    op.create_index(
        f"ix_{table}_due",
        table,
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
