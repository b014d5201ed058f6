"""Users, sessions, tokens and the audit log."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.store.metadata import Moment, created_column, id_column, metadata

# Users, sessions and tokens. Passwords are stored as argon2 hashes, session secrets and
# tokens as SHA-256: they are random, so a fast hash is safe.

users = Table(
    "users",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    created_column(),
    Column("disabled_at", Moment),
    Column("theme", Text, nullable=False, server_default="auto"),
    Column("time_zone", Text, nullable=False, server_default="utc"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("id", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False,
           index=True),
    Column("csrf_token", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=""),
    Column("user_agent", Text, nullable=False, server_default=""),
    # The id of the OpenID provider that has authenticated the user, or `proxy`. Empty:
    # FastDeploy has, by the password.
    Column("provider", Text, nullable=False, server_default=""),
    created_column(),
    Column("expires_at", Moment, nullable=False),
)  # fmt: skip

# The accounts of OpenID providers. A subject never changes, unlike the name of a user.

identities = Table(
    "identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False,
           unique=True),
    created_column(),
)  # fmt: skip

#: Which session of a provider belongs to a session.
provider_sessions = Table(
    "provider_sessions",
    metadata,
    Column("digest", ForeignKey("sessions.digest", ondelete="CASCADE"),
           primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("provided", Text, nullable=False),
    Index(None, "issuer", "provided"),
)  # fmt: skip

# The favourites of users on the overview. `service` is a name without environment; it
# isn't a foreign key, since a service may be in several environments.

favourites = Table(
    "favourites",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("service", Text, primary_key=True),
)

tokens = Table(
    "tokens",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    created_column(),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
    # The owner of a personal token.
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE")),
    # Whether it needs grants of its own.
    Column("limited", Boolean, nullable=False, server_default="false"),
    Index("uq_tokens_name", "name", unique=True,
          postgresql_where="revoked_at IS NULL AND user_id IS NULL"),
    Index("uq_tokens_user_id_name", "user_id", "name", unique=True,
          postgresql_where="revoked_at IS NULL"),
)  # fmt: skip

login_failures = Table(
    "login_failures",
    metadata,
    id_column(),
    Column("at", Moment, nullable=False, server_default=func.now()),
    Column("user_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Index(None, "user_name", "at"),
    Index(None, "address", "at"),
)

# The audit log, written in the transaction of the action. It has no foreign keys: the
# subject may have been deleted. Triggers of PostgreSQL append each entry to the hash
# chain when its transaction commits, and refuse changes.

audit = Table(
    "audit",
    metadata,
    id_column(),
    Column("at", Moment, nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("deployment_id", BigInteger),
    #: {field: {"before": …, "after": …}}, without secrets.
    Column("changes", JSONB),
    #: Its place in the hash chain, from 1, and its hash.
    Column("chain_number", BigInteger),
    Column("hash", LargeBinary),
    Index(None, "actor", "id"),
    Index(None, "action", "id"),
    Index(None, "actor", "action", "id"),
    Index("uq_audit_chain_number", "chain_number", unique=True),
)

#: One row: the last entry of the chain, and the last one that the retention deleted.
audit_chain = Table(
    "audit_chain",
    metadata,
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("deleted_number", BigInteger, nullable=False),
    Column("deleted_hash", LargeBinary, nullable=False),
)

#: One row: the place in the chain of the last entry that was sent to syslog.
audit_forwarding = Table(
    "audit_forwarding", metadata, Column("number", BigInteger, nullable=False)
)
