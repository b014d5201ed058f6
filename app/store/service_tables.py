"""Services, their schedules, and what runs need: nodes, host keys, credentials."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.store.metadata import Moment, created_column, id_column, metadata

# The services, a mirror of the services folders. `config` is the last valid
# definition, `error` the error in the current one, `warning` why Ansible can't load the
# playbook. `labels` are those of `config`, for the filters of the overview.

services = Table(
    "services",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("config", JSON),
    Column("error", Text, nullable=False, server_default=""),
    Column("warning", Text, nullable=False, server_default=""),
    Column("labels", ARRAY(Text), nullable=False, server_default="{}"),
    created_column(),
    Column("synced_at", Moment, nullable=False, server_default=func.now()),
    Column("archived_at", Moment),
)

# The schedules of services: a mirror of their configs, and those that somebody created,
# with the names of who created and who last changed them. `requesters` has the
# identities of who created one or changed what it launches. `next_at` is the next
# instant to launch, NULL if there is none. `last_at` is the last instant, `problem`
# says why nothing was launched then. `paused_at` is NULL if it isn't paused; without
# `paused_until` it is paused until somebody resumes it. The last deployment isn't a
# foreign key: it may have been deleted. `healthcheck` has the encrypted healthcheck
# URL, `ping_problem` says why the last ping to it failed.

schedules = Table(
    "schedules",
    metadata,
    id_column(),
    Column("service_id", ForeignKey("services.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("created_by", Text, nullable=False, server_default=""),
    Column("changed_by", Text, nullable=False, server_default=""),
    Column("requesters", ARRAY(Text), nullable=False, server_default="{}"),
    Column("next_at", Moment, index=True),
    Column("last_at", Moment),
    Column("last_deployment", BigInteger),
    Column("problem", Text, nullable=False, server_default=""),
    Column("paused_at", Moment),
    Column("paused_until", Moment),
    Column("paused_by", Text, nullable=False, server_default=""),
    Column("healthcheck", LargeBinary),
    Column("ping_problem", Text, nullable=False, server_default=""),
    UniqueConstraint("service_id", "name"),
)

# The host keys that administrators accepted for the runs of a project, or of a service
# outside of projects: `scope` is the name of its folder.

host_keys = Table(
    "host_keys",
    metadata,
    id_column(),
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
    id_column(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("key_id", Text),
    Column("command", ARRAY(Text)),
    Column("public_key", Text, nullable=False, server_default=""),
    Column("fingerprint", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default=""),
    created_column(),
    Column("created_by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False, server_default=func.now()),
    Column("changed_by", Text, nullable=False),
    Column("last_used_at", Moment),
    Column("last_used_deployment", BigInteger),
    UniqueConstraint("kind", "name"),
)

# The hosts whose workers run deployments. Two workers with one name would consider each
# other's runs vanished: see NodeInstance in app/domain/node.py. The lag is what the
# followers of its runs had not recorded yet at the last heartbeat. `key_ids` has the
# ids of its secret keys, the one that encrypts first; a worker of an earlier release
# has none.

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
    Column("lag_bytes", BigInteger, nullable=False, server_default="0"),
    Column("lag_seconds", Double, nullable=False, server_default="0"),
    Column("key_ids", ARRAY(Text), nullable=False, server_default="{}"),
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
