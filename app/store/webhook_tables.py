"""Webhooks, their deliveries, and what these have launched."""

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from app.store.metadata import Moment, created_column, id_column, metadata

# The webhooks. `sealed` has the encrypted secrets, `key_id` the id of their key;
# `rotated_at` is set as long as two secrets are valid. `refused_…` describe the last
# request without a valid signature: nothing else of such a request is stored.

webhooks = Table(
    "webhooks",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("provider", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("rotated_at", Moment),
    Column("status_credential", Text, nullable=False, server_default=""),
    Column("api_url", Text, nullable=False, server_default=""),
    created_column(),
    Column("created_by", Text, nullable=False),
    Column("paused_at", Moment),
    Column("paused_by", Text, nullable=False, server_default=""),
    Column("refused_at", Moment),
    Column("refused_reason", Text, nullable=False, server_default=""),
    Column("refused_address", Text, nullable=False, server_default=""),
)

# Signed requests, without their bodies. `delivery` is the provider's id, `digest` a
# hash of what was signed: neither is accepted twice. `attempt` counts the first
# delivery and those that somebody repeated. Queued ones are handled at `next_at`, by
# the worker of the node `claimed_by`; `tries` counts how often one has started to.
# `redelivered_by` has the identity of who repeated it last.

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    id_column(),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    Column("delivery", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("event", Text, nullable=False),
    Column("pushes", JSON, nullable=False),
    Column("received_at", Moment, nullable=False, server_default=func.now()),
    Column("state", Text, nullable=False),
    Column("answer", Text, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("redelivered_by", Text, nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment),
    Column("claimed_at", Moment),
    Column("claimed_by", Text, nullable=False, server_default=""),
    UniqueConstraint("webhook_id", "delivery"),
    UniqueConstraint("webhook_id", "digest"),
    Index(None, "webhook_id", "id"),
    Index(None, "received_at"),
    Index(
        "ix_webhook_deliveries_queued",
        "next_at",
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)

# The deployments that deliveries have launched, with the URL of the repository. `sent`
# is the last status of the commit that the provider has; the next one is sent at
# `next_at`, NULL if none is wanted any more.

webhook_launches = Table(
    "webhook_launches",
    metadata,
    Column(
        "deployment_id",
        ForeignKey("deployments.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column(
        "delivery_id",
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("repository", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("sent", Text, nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment),
    Column("problem", Text, nullable=False, server_default=""),
    Index(None, "delivery_id"),
    Index(
        "ix_webhook_launches_due",
        "next_at",
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)
