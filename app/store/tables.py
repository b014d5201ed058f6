"""Every table, index and constraint; the migrations lead here, and a test compares."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Moment = DateTime(timezone=True)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _created() -> Column[object]:
    return Column("created_at", Moment, nullable=False, server_default=func.now())


# People and their keys. Passwords are argon2 hashes; of sessions and tokens only a
# SHA-256 is kept: they are random, so there is nothing to guess.

users = Table(
    "users",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    _created(),
    Column("disabled_at", Moment),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False,
           index=True),
    Column("csrf_token", Text, nullable=False),
    _created(),
    Column("expires_at", Moment, nullable=False),
)  # fmt: skip

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    _created(),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
    Index("uq_tokens_name", "name", unique=True, postgresql_where="revoked_at IS NULL"),
)

login_failures = Table(
    "login_failures",
    metadata,
    _id(),
    Column("at", Moment, nullable=False, server_default=func.now()),
    Column("user_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Index(None, "user_name", "at"),
    Index(None, "address", "at"),
)

# Who did what, in the same transaction. It refers to nothing: what it was done to may
# be gone.

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Moment, nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("deployment_id", BigInteger),
    Index(None, "actor", "id"),
    Index(None, "action", "id"),
    Index(None, "actor", "action", "id"),
)

# What can be deployed: a mirror of the services folder. `config` is the last good
# config.json, `error` what is wrong with the present one.

services = Table(
    "services",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("config", JSON),
    Column("error", Text, nullable=False, server_default=""),
    _created(),
    Column("synced_at", Moment, nullable=False, server_default=func.now()),
    Column("archived_at", Moment),
)

# The hosts whose workers carry out deployments. Two workers of one name would take each
# other's runs for vanished: see NodeInstance in app/domain/node.py.

nodes = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("instance", Text, nullable=False, server_default=""),
    Column("place", Text, nullable=False, server_default=""),
    Column("version", Text, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("started_at", Moment, nullable=False, server_default=func.now()),
    Column("heartbeat_at", Moment, nullable=False, server_default=func.now()),
    Column("stopped_at", Moment),
    Column("sync_asked_at", Moment),
)

# Where a service can be deployed: a row for each node whose services folder has it,
# with what is wrong with the config.json there.

registrations = Table(
    "registrations",
    metadata,
    Column("service_id", ForeignKey("services.id", ondelete="CASCADE"),
           primary_key=True),
    Column("node", Text, primary_key=True),
    Column("error", Text, nullable=False, server_default=""),
    Column("synced_at", Moment, nullable=False, server_default=func.now()),
    Index(None, "node"),
)  # fmt: skip

# What was deployed. `config` is the service as it was at launch; `secrets` are the
# sealed launch variables that are writeOnly, dropped when the run has ended. `warnings`
# is NULL where there are none. `idempotency_key` came with the request, whose
# `fingerprint` tells whether another request is the same.

deployments = Table(
    "deployments",
    metadata,
    _id(),
    Column("service_id", ForeignKey("services.id"), nullable=False),
    Column("config", JSON, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("variables", JSON, nullable=False),
    Column("secrets", LargeBinary),
    # Its first name, in the database: the release before runs on while it is updated.
    Column("launch_key", Text, key="idempotency_key"),
    Column("fingerprint", LargeBinary),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("exit_code", Integer),
    Column("warnings", JSON(none_as_null=True)),
    Column("node", Text),
    Column("job_id", BigInteger),
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    Column("retry_of", ForeignKey("deployments.id", ondelete="SET NULL")),
    Column("cancel_requested_at", Moment),
    Column("cancel_requested_by", Text),
    Column("pruned_at", Moment),
    Column("journal_offset", BigInteger, nullable=False, server_default="0"),
    Column("last_event", Integer, nullable=False, server_default="0"),
    Index("uq_deployments_actor_launch_key", "actor", "idempotency_key", unique=True,
          postgresql_where=text("launch_key IS NOT NULL")),
    Index(None, "service_id", "id"),
    Index(None, "job_id"),
    Index("ix_deployments_begun", "node",
          postgresql_where=text("finished_at IS NULL")),
    Index("ix_deployments_active", "service_id", "id",
          postgresql_where=text("finished_at IS NULL")),
    Index(None, "service_id", "status", "id"),
    # Every combination of the history's filters has one of these to read from, see
    # app/store/history.py.
    Index(None, "service_id", "actor", "status", "origin", "id"),
    Index(None, "service_id", "status", "origin", "id"),
    Index(None, "actor", "status", "origin", "id"),
    Index(None, "status", "origin", "id"),
    Index(None, "created_at"),
    CheckConstraint("journal_offset >= 0", name="offset_not_negative"),
)  # fmt: skip

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

#: The seconds that a step took; not negative, though a clock may have been moved.
seconds_of_step = func.greatest(
    func.extract("epoch", steps.c.finished_at - steps.c.started_at), 0
)

# Every line of every journal, numbered 1, 2, 3 … within its deployment. `data` is
# JSON kept as text: a run may print any JSON, and nothing that it prints may be
# refused here. `raw` has the bytes where `text` can't hold them.

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
    # Only Ansible's results and beginnings are in them: output costs nothing more.
    Index("ix_events_results", "deployment_id", "host", "number",
          postgresql_where=text("host IS NOT NULL AND result IS NOT NULL")),
    Index("ix_events_outline", "deployment_id", "name", "number",
          postgresql_where=text(
              "name IN ('playbook_on_task_start', 'playbook_on_stats')")),
)  # fmt: skip
