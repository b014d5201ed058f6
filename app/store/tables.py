"""All tables, indexes and constraints; a test compares them to the migrations."""

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
    UniqueConstraint,
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


# Users, sessions and tokens. Passwords are stored as argon2 hashes, session secrets and
# tokens as SHA-256: they are random, so a fast hash is safe.

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

# The audit log, written in the transaction of the action. It has no foreign keys: the
# subject may have been deleted.

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

# The services, a mirror of the services folders. `config` is the last valid
# definition, `error` the error in the current one, `warning` why Ansible can't load the
# playbook.

services = Table(
    "services",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("config", JSON),
    Column("error", Text, nullable=False, server_default=""),
    Column("warning", Text, nullable=False, server_default=""),
    _created(),
    Column("synced_at", Moment, nullable=False, server_default=func.now()),
    Column("archived_at", Moment),
)

# The host keys that administrators accepted for the runs of a project, or of a service
# outside of projects: `scope` is the name of its folder.

host_keys = Table(
    "host_keys",
    metadata,
    _id(),
    Column("scope", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("accepted_by", Text, nullable=False),
    Column("accepted_at", Moment, nullable=False, server_default=func.now()),
    UniqueConstraint("scope", "host", "type"),
)

# The credentials. `sealed` has the encrypted fields, `key_id` the id of their key. The
# last deployment isn't a foreign key: it may have been deleted.

credentials = Table(
    "credentials",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("key_id", Text),
    Column("command", ARRAY(Text)),
    Column("public_key", Text, nullable=False, server_default=""),
    Column("fingerprint", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    _created(),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False, server_default=func.now()),
    Column("changed_by", Text, nullable=False),
    Column("last_used_at", Moment),
    Column("last_used_deployment", BigInteger),
    UniqueConstraint("kind", "name"),
)

# The hosts whose workers run deployments. Two workers with one name would consider each
# other's runs vanished: see NodeInstance in app/domain/node.py.

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

# The nodes on which a service can be deployed: a row for each node whose services
# folder has it, with the error in its definition there, and the key of the syntax check
# of its playbook.

registrations = Table(
    "registrations",
    metadata,
    Column("service_id", ForeignKey("services.id", ondelete="CASCADE"),
           primary_key=True),
    Column("node", Text, primary_key=True),
    Column("error", Text, nullable=False, server_default=""),
    Column("check_key", Text, nullable=False, server_default=""),
    Column("synced_at", Moment, nullable=False, server_default=func.now()),
    Index(None, "node"),
)  # fmt: skip

# The results of `ansible-playbook --syntax-check` on a node. `key` is a hash of all
# that affects the result, so services may share one. `problem` is empty if there is
# none; a sync repeats the check if `repeat` is true.

syntax_checks = Table(
    "syntax_checks",
    metadata,
    Column("node", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("problem", Text, nullable=False, server_default=""),
    Column("repeat", Boolean, nullable=False),
    Column("checked_at", Moment, nullable=False, server_default=func.now()),
)

# The deployments. `config` is the service as it was at launch; `secrets` are the
# encrypted secret variables, deleted when the run has ended. `warnings` and `options`
# are NULL if there are none. `commit`, `ref` and `changes` describe the revision of its
# project. `idempotency_key` is the key of the request, and
# `fingerprint` shows whether another request with this key is the same.

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
    Column("options", JSON(none_as_null=True)),
    Column("commit", Text, nullable=False, server_default=""),
    Column("ref", Text, nullable=False, server_default=""),
    Column("changes", Text, nullable=False, server_default=""),
    Column("partial", Boolean, nullable=False, server_default="false"),
    Column("secrets", LargeBinary),
    # The column keeps its old name, since the old release runs during an update.
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
    # Every combination of the history's filters is covered by one of these indexes,
    # see app/store/history.py.
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

#: The duration of a step in seconds; 0 if a clock change would make it negative.
seconds_of_step = func.greatest(
    func.extract("epoch", steps.c.finished_at - steps.c.started_at), 0
)

# The events, numbered 1, 2, 3 … within each deployment. `data` is JSON stored as text:
# a run may print JSON that PostgreSQL's JSON types would reject. `raw` has the bytes if
# `text` can't represent them.

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
    # These contain only Ansible's results, task starts and recaps: output adds no cost.
    Index("ix_events_results", "deployment_id", "host", "number",
          postgresql_where=text("host IS NOT NULL AND result IS NOT NULL")),
    Index("ix_events_outline", "deployment_id", "name", "number",
          postgresql_where=text(
              "name IN ('playbook_on_task_start', 'playbook_on_stats')")),
)  # fmt: skip
