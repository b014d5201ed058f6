"""The tables of second factors, and of logins that wait for one."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.store.metadata import Moment, created_column, id_column, metadata

# The secret of a user's TOTP. It is encrypted, since codes are computed from it.
# `last_step` is the 30-second step of the last code that was accepted: neither it nor
# an earlier one is accepted again.

totp_secrets = Table(
    "totp_secrets",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    created_column(),
    Column("confirmed_at", Moment),
    Column("last_step", BigInteger, nullable=False, server_default="0"),
)

# Recovery codes are stored as SHA-256: they have 80 random bits, so a fast hash is
# safe.

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("used_at", Moment),
)

# The passkeys of users, as WebAuthn defines them: public keys, and how often each has
# signed. `transports` says how a browser reaches the authenticator.

passkeys = Table(
    "passkeys",
    metadata,
    id_column(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", ARRAY(Text), nullable=False),
    created_column(),
    Column("last_used_at", Moment),
    UniqueConstraint("user_id", "name"),
)

# What the authenticator has to sign when the user of a session adds a passkey.

passkey_challenges = Table(
    "passkey_challenges",
    metadata,
    Column("digest", ForeignKey("sessions.digest", ondelete="CASCADE"),
           primary_key=True),
    Column("challenge", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
)  # fmt: skip

# Logins whose password was right and whose second factor is awaited. `password_hash`
# is that of the password: after a change of it, the login has to start again.
# `challenge` is what a passkey has to sign; NULL for a login that an earlier release
# has started.

login_steps = Table(
    "login_steps",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False,
           index=True),
    Column("password_hash", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("challenge", LargeBinary),
)  # fmt: skip
