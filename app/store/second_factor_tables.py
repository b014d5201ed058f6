"""The tables of second factors, and of logins that wait for one."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text

from app.store.metadata import Moment, created_column, metadata

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

# Logins whose password was right and whose second factor is awaited. `password_hash`
# is that of the password: after a change of it, the login has to start again.

login_steps = Table(
    "login_steps",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False,
           index=True),
    Column("password_hash", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
)  # fmt: skip
