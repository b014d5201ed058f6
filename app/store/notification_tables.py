"""The channels of notifications, and the messages to them."""

from sqlalchemy import (
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

# The channels. `sealed` has the encrypted URL and secret, `key_id` the id of their key.

channels = Table(
    "channels",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("scheme", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    created_column(),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False, server_default=func.now()),
    Column("changed_by", Text, nullable=False),
    Column("paused_at", Moment),
    Column("paused_by", Text, nullable=False, server_default=""),
)

# The messages, written in the transaction of their event and sent by a worker. A
# message without a deployment is a test. `channel` isn't a foreign key: a service may
# name one that doesn't exist yet. `next_at` is the time of the next attempt, or, while
# the message is being sent by `node`, the time at which that attempt counts as lost.

notifications = Table(
    "notifications",
    metadata,
    id_column(),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE")),
    Column("event", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Moment, nullable=False, server_default=func.now()),
    Column("node", Text, nullable=False, server_default=""),
    Column("error", Text, nullable=False, server_default=""),
    created_column(),
    Column("sent_at", Moment),
    UniqueConstraint("deployment_id", "event", "channel"),
    Index(None, "channel", "id"),
    Index("ix_notifications_due", "next_at",
          postgresql_where=text("state IN ('pending', 'sending')")),
)  # fmt: skip
