"""Password hashing and the rules for a new password."""

import secrets
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

MIN_LENGTH = 10
MAX_LENGTH = 1024

hasher = PasswordHash((Argon2Hasher(),))


@cache
def unknown_user_hash() -> str:
    """Return a hash to verify for an unknown user, so that it takes the same time."""
    return hasher.hash(secrets.token_urlsafe())


def problems(password: str) -> dict[str, str]:
    """Return the problems of a new password by field name; empty if it is valid."""
    if MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return {}
    limits = f"{MIN_LENGTH} to {MAX_LENGTH} characters"
    return {"password": f"a password has {limits}"}
