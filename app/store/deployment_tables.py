"""Deployments with their steps and events."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.store.metadata import Moment, id_column, metadata

# The deployments. `config` is the service as it was at launch; `secrets` are the
# encrypted secret variables, deleted when the run has ended. `warnings` and `options`
# are NULL if there are none. `commit`, `ref` and `changes` describe the revision of its
# project. `retry_scope` and `hosts` say what a retry is limited to, and `completes`
# whether it and the one that it continues count as one. `idempotency_key` is the key of
# the request, `key_owner` whose key it is, and `fingerprint` shows whether another
# request with this key is the same. A key without `key_owner` was stored by an earlier
# release; it belongs to `actor`. `versions_through` is the number of the event up to
# which the versions of files are recorded.

deployments = Table(
    "deployments",
    metadata,
    id_column(),
    Column("service_id", ForeignKey("services.id"), nullable=False),
    Column("config", JSON, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("variables", JSON, nullable=False),
    Column("options", JSON(none_as_null=True)),
    Column("commit", Text, nullable=False, server_default=""),
    Column("ref", Text, nullable=False, server_default=""),
    Column("changes", Text, nullable=False, server_default=""),
    Column("partial", Boolean, nullable=False, server_default="false"),
    Column("secrets", LargeBinary),
    # The column keeps its old name, since the old release runs during an update.
    Column("launch_key", Text, key="idempotency_key"),
    Column("fingerprint", LargeBinary),
    Column("key_owner", Text),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("exit_code", Integer),
    Column("warnings", JSON(none_as_null=True)),
    Column("node", Text),
    Column("job_id", BigInteger),
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    Column("retry_of", ForeignKey("deployments.id", ondelete="SET NULL")),
    Column("retry_scope", Text),
    Column("hosts", JSON(none_as_null=True)),
    Column("completes", Boolean, nullable=False, server_default="false"),
    Column("cancel_requested_at", Moment),
    Column("cancel_requested_by", Text),
    Column("pruned_at", Moment),
    Column("journal_offset", BigInteger, nullable=False, server_default="0"),
    Column("last_event", Integer, nullable=False, server_default="0"),
    Column("versions_through", Integer),
    Index("uq_deployments_key_owner_launch_key", text("coalesce(key_owner, actor)"),
          "idempotency_key", unique=True,
          postgresql_where=text("launch_key IS NOT NULL")),
    Index(None, "service_id", "id"),
    Index(None, "job_id"),
    Index("ix_deployments_begun", "node",
          postgresql_where=text("finished_at IS NULL")),
    Index("ix_deployments_active", "service_id", "id",
          postgresql_where=text("finished_at IS NULL")),
    Index(None, "service_id", "status", "id"),
    # Every combination of the history's filters is covered by one of these indexes,
    # see app/store/history.py.
    Index(None, "service_id", "actor", "status", "origin", "id"),
    Index(None, "service_id", "status", "origin", "id"),
    Index(None, "actor", "status", "origin", "id"),
    Index(None, "status", "origin", "id"),
    Index(None, "created_at"),
    CheckConstraint("journal_offset >= 0", name="offset_not_negative"),
)  # fmt: skip

#: The condition for deployments whose outcome is one of the service, as `counts` of a
#: Deployment.
counts = or_(deployments.c.partial.is_(False), deployments.c.completes)

steps = Table(
    "steps",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("declared", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text, nullable=False, server_default=""),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("failed_hosts", ARRAY(Text), nullable=False, server_default="{}"),
)  # fmt: skip

#: The duration of a step in seconds; 0 if a clock change would make it negative.
seconds_of_step = func.greatest(
    func.extract("epoch", steps.c.finished_at - steps.c.started_at), 0
)

# The events, numbered 1, 2, 3 … within each deployment. `data` is JSON stored as text:
# a run may print JSON that PostgreSQL's JSON types would reject. `raw` has the bytes if
# `text` can't represent them. `seconds` is the duration of a task on its host.

events = Table(
    "events",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("step", SmallInteger),
    Column("host", Text),
    Column("task", Text),
    Column("result", Text),
    Column("text", Text, nullable=False, server_default=""),
    Column("open", Boolean, nullable=False, server_default="false"),
    Column("data", Text),
    Column("raw", LargeBinary),
    Column("seconds", Double),
    # These contain only Ansible's results, task starts and recaps: output adds no cost.
    Index("ix_events_results", "deployment_id", "host", "number",
          postgresql_where=text("host IS NOT NULL AND result IS NOT NULL")),
    Index("ix_events_outline", "deployment_id", "name", "number",
          postgresql_where=text(
              "name IN ('playbook_on_task_start', 'playbook_on_stats')")),
)  # fmt: skip

# Where the time of each ended playbook run went, see Profile in app/domain/timing.py.
# It is kept when retention removes the events.

timings = Table(
    "timings",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("profile", JSON, nullable=False),
)  # fmt: skip

# The handlers that tasks notified on hosts and that didn't run there, see
# app/domain/owed_handlers.py. While a deployment is active, they may still run.
# `number` is the event of the result that notified the handler. `cleared_by` is the
# later deployment in which it ran. `dismissed_by` is who said that it needn't run.

owed_handlers = Table(
    "owed_handlers",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("host", Text, primary_key=True),
    Column("handler", Text, primary_key=True),
    Column("service_id", ForeignKey("services.id"), nullable=False),
    Column("task", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("cleared_by", ForeignKey("deployments.id", ondelete="CASCADE"), index=True),
    Column("dismissed_by", Text),
    Column("dismissed_at", Moment),
    Index(None, "service_id", "deployment_id",
          postgresql_where=text("cleared_by IS NULL")),
)  # fmt: skip

# Totals of ended deployments by service, outcome and the upper bound of their duration,
# see app/domain/totals.py. `last_complete_at` is the last end of one that wasn't
# partial. They are kept when deployments are removed.

deployment_totals = Table(
    "deployment_totals",
    metadata,
    Column("service_id", ForeignKey("services.id"), primary_key=True),
    Column("status", Text, primary_key=True),
    Column("at_most", Double, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("last_complete_at", Moment),
)

# The pings to the healthcheck URLs of schedules: a row for the start of a deployment,
# and one for its end. `number` is their order. The start is kept after it was sent
# until the end was sent.

pings = Table(
    "pings",
    metadata,
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("schedule_id", ForeignKey("schedules.id", ondelete="CASCADE"),
           nullable=False, index=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Column("due_at", Moment, nullable=False, server_default=func.now()),
    Column("sent_at", Moment),
)  # fmt: skip
