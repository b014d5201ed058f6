"""The hosts that runs have reached or that an inventory names, and what ran on them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.store.metadata import Moment, created_column, id_column, metadata

# The hosts. `scope` is the project, or the service outside of projects, whose inventory
# the name is of. `groups` are those of the inventory of the last run. `facts` are those
# of app/domain/host_facts.py, NULL if none were gathered; `searched` is what a search
# looks at. `status` is how the last deployment ended on the host, NULL if none has
# reached it. The deployments aren't foreign keys: they may have been deleted.

hosts = Table(
    "hosts",
    metadata,
    id_column(),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("groups", ARRAY(Text), nullable=False, server_default="{}"),
    Column("facts", JSON(none_as_null=True)),
    Column("facts_at", Moment),
    Column("facts_deployment", BigInteger),
    Column("searched", Text, nullable=False, server_default=""),
    Column("status", Text),
    Column("last_at", Moment),
    Column("last_deployment", BigInteger),
    created_column(),
    UniqueConstraint("scope", "name"),
    Index(None, "name", "scope"),
)

# The services that reach a host, or whose inventory names it. `named` is whether the
# inventory of the last run names it, NULL if none ever did. `version` is that of the
# last deployment that was complete on the host, `version_deployment`. `status`, `at`
# and `deployment` are those of the last deployment there; `last_ok` and so on is the
# last that ended so.

host_services = Table(
    "host_services",
    metadata,
    Column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"), primary_key=True),
    Column("service_id", ForeignKey("services.id", ondelete="CASCADE"),
           primary_key=True),
    Column("named", Boolean),
    Column("status", Text),
    Column("at", Moment),
    Column("deployment", BigInteger),
    Column("version", Text, nullable=False, server_default=""),
    Column("version_deployment", BigInteger),
    Column("last_ok", BigInteger),
    Column("last_changed", BigInteger),
    Column("last_failed", BigInteger),
    Column("last_unreachable", BigInteger),
    Index(None, "service_id", "host_id"),
)  # fmt: skip

# What each deployment did to each of its hosts; see HostOutcome in app/domain/host.py.
# It is kept when retention removes the events.

host_deployments = Table(
    "host_deployments",
    metadata,
    Column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"), primary_key=True),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"),
           primary_key=True),
    Column("status", Text, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Index(None, "deployment_id"),
)  # fmt: skip

# The facts of a host that a deployment found changed: the values before and after, by
# name. The facts of the first run aren't a change.

host_fact_changes = Table(
    "host_fact_changes",
    metadata,
    id_column(),
    Column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"), nullable=False),
    Column("deployment", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Index(None, "host_id", "id"),
)
