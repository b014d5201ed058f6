"""The table of approvals."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.store.metadata import Moment, metadata

# The approvals that deployments need. `launcher`, `user_id` and `token_id` say who
# launched a deployment, `requesters` has the identities of others who determined what
# it runs. `schedule_creator` isn't used any more.
# `decision` is NULL while nobody has decided, also if the deployment was canceled.

approvals = Table(
    "approvals",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("launcher", Text, nullable=False),
    # No foreign keys: users are disabled and tokens are revoked, not removed.
    Column("user_id", BigInteger),
    Column("token_id", BigInteger),
    Column("schedule_creator", Text, nullable=False, server_default=""),
    Column("requesters", ARRAY(Text), nullable=False, server_default="{}"),
    Column("expires_at", Moment, nullable=False),
    Column("decision", Text),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_at", Moment),
    Column("comment", Text, nullable=False, server_default=""),
    Index("ix_approvals_undecided", "expires_at",
          postgresql_where=text("decision IS NULL")),
)  # fmt: skip
