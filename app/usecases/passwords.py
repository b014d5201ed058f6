"""Password hashing and the rules for a new password."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 1024

#: Twice the time of OWASP's minimum for this memory, which takes an attacker as long as
#: twice the minimum for 19 MiB. More memory would multiply that of the web process.
HASHER = PasswordHasher(time_cost=6, memory_cost=12 * 1024, parallelism=1)


def make_hash(password: str) -> str:
    """Return the argon2id hash of a password, with a new salt and the parameters."""
    return HASHER.hash(password)


def matches(password: str, hashed: str) -> bool:
    """Return whether a password is the one of a hash."""
    try:
        return HASHER.verify(hashed, password)
    except VerificationError:
        return False


def needs_rehash(hashed: str) -> bool:
    """Return whether a hash has other parameters than a new one would have."""
    return HASHER.check_needs_rehash(hashed)


@cache
def unknown_user_hash() -> str:
    """Return a hash to verify for an unknown user, so that it takes the same time."""
    return make_hash(secrets.token_urlsafe())


def problems(password: str) -> dict[str, str]:
    """Return the problems of a new password by field name; empty if it is valid."""
    if MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return {}
    limits = f"{MIN_LENGTH} to {MAX_LENGTH} characters"
    return {"password": f"a password has {limits}"}
