"""The traces of deployments that are sent to a collector."""

from sqlalchemy import Column, ForeignKey, Index, SmallInteger, Table, Text, text

from app.store.metadata import Moment, metadata

# A row for each trace. `parent` has the ids of the trace and span of the request that
# launched the deployment, with a hyphen between; it is stored at the launch. `due_at`
# is set when the run has ended and until the trace was sent, or given up, which is at
# `settled_at`.

traces = Table(
    "traces",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("parent", Text, nullable=False, server_default=""),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("due_at", Moment),
    Column("settled_at", Moment),
    Index("ix_traces_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)  # fmt: skip
