"""Log in and out, check sessions, and manage tokens for the API."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import IntegrityError

from app.domain.access import PERMISSIONS, Actor, Permission
from app.domain.audit import Action
from app.domain.duration import MAX_DAYS
from app.errors import (
    Conflict,
    InvalidFields,
    NotFound,
    NotLoggedIn,
    TooManyAttempts,
)
from app.store import audit, login_failures, sessions, tokens, users
from app.store.store import Store
from app.usecases import passwords

#: Maximum length of a name at login; names of users are shorter.
MAX_NAME = 200
#: The maximum numbers of failed logins in this time: of a user from one address, and of
#: all users from one address.
WINDOW = timedelta(minutes=15)
MAX_FAILURES = 5
MAX_FAILURES_OF_ADDRESS = 50

#: Identifies a leaked token, for people and for secret scanners.
TOKEN_PREFIX = "fd_"  # noqa: S105 - not a secret, the beginning of each

_NO_MATCH = "name and password don't fit together"


def log_in(
    store: Store,
    name: str,
    password: str,
    address: str,
    lifetime: timedelta,
    former: str | None = None,
) -> str:
    """Start a session; return the secret for its cookie.

    Args:
        store: Where users and sessions are.
        name: The name that was typed.
        password: The password that was typed.
        address: The address that the request came from.
        lifetime: How long the session is valid.
        former: The secret of the browser's session until now, which ends.

    Raises:
        NotLoggedIn: Name and password don't match.
        TooManyAttempts: Too many logins failed; the password was not checked.
    """
    name = name[:MAX_NAME]
    if "\0" in name:
        raise NotLoggedIn(_NO_MATCH)
    user = _count_attempt(store, name, address)
    # Outside of any transaction: argon2 is slow on purpose.
    hashed = passwords.unknown_user_hash() if user is None else user.password_hash
    password = password[: passwords.MAX_LENGTH]
    matches = passwords.matches(password, hashed)
    if user is None or user.disabled or not matches:
        with store.begin() as db:
            who = Actor(name, frozenset(), address=address)
            audit.note(db, who, Action.FAIL_TO_LOG_IN)
        raise NotLoggedIn(_NO_MATCH)
    newer = passwords.make_hash(password) if passwords.needs_rehash(hashed) else None
    secret = secrets.token_urlsafe(32)
    with store.begin() as db:
        login_failures.clear(db, name, address)
        if newer is not None:
            users.rehash(db, user.id, newer)
        if former is not None:
            sessions.end(db, _digest(former))
        sessions.add(db, _digest(secret), user.id, secrets.token_urlsafe(32), lifetime)
        who = Actor(user.name, PERMISSIONS[user.role], address=address)
        audit.note(db, who, Action.LOG_IN)
    return secret


def _count_attempt(store: Store, name: str, address: str) -> users.User | None:
    """Count a login as failed before its password is checked; return the user.

    A successful login removes its count. So concurrent logins can't check more
    passwords than sequential ones.
    """
    with store.begin() as db:
        login_failures.lock_address(db, address)
        of_user, of_address = login_failures.count(db, name, address, WINDOW)
        if of_user < MAX_FAILURES and of_address < MAX_FAILURES_OF_ADDRESS:
            login_failures.record(db, name, address)
            return users.find(db, name)
    minutes = int(WINDOW.total_seconds() // 60)
    raise TooManyAttempts(
        f"too many failed logins; try again in {minutes} minutes",
        retry_after=int(WINDOW.total_seconds()),
    )


def log_out(store: Store, secret: str, address: str) -> None:
    """End the session of a cookie, if it is valid."""
    with store.begin() as db:
        session = sessions.find(db, _digest(secret))
        if session is None:
            return
        sessions.end(db, _digest(secret))
        who = Actor(session.user_name, PERMISSIONS[session.role], address=address)
        audit.note(db, who, Action.LOG_OUT)


def by_session(store: Store, secret: str) -> Actor | None:
    """Return the actor of a session cookie, None if the session has ended."""
    with store.begin() as db:
        session = sessions.find(db, _digest(secret))
    if session is None:
        return None
    return Actor(session.user_name, PERMISSIONS[session.role], session.csrf_token)


def by_token(store: Store, secret: str) -> Actor:
    """Return the actor of a bearer token; raises NotLoggedIn."""
    with store.begin() as db:
        token = tokens.use(db, _digest(secret))
    if token is None:
        raise NotLoggedIn("the token is unknown, expired or revoked")
    return Actor(f"{token.name} (token)", frozenset(map(Permission, token.scopes)))


def create_token(
    store: Store,
    actor: Actor,
    name: str,
    scopes: Iterable[Permission],
    days: int | None = None,
) -> str:
    """Create a token; return its secret, which is not stored.

    It expires after this number of days, or never. Raises NotAllowed, InvalidFields,
    and Conflict if a token with this name isn't revoked.
    """
    actor.require(Permission.ADMIN)
    if not re.fullmatch(r"[\w.@+ -]{1,64}", name):
        problem = "a token's name has 1 to 64 letters, digits or . @ + - _"
        raise InvalidFields({"name": problem})
    if days is not None and not 1 <= days <= MAX_DAYS:
        problem = f"a token expires after 1 to {MAX_DAYS} days, or never"
        raise InvalidFields({"days": problem})
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    try:
        with store.begin() as db:
            tokens.add(db, name, _digest(secret), sorted(set(scopes)), expires_at)
            audit.note(db, actor, Action.CREATE_TOKEN, name)
    except IntegrityError:
        raise Conflict(f"there is a token {name} already; revoke it first") from None
    return secret


def list_tokens(store: Store, actor: Actor) -> list[tokens.Token]:
    """Return the tokens that are not revoked. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return tokens.list_tokens(db)


def revoke_token(store: Store, actor: Actor, name: str) -> None:
    """Revoke a token; raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        if not tokens.revoke(db, name):
            raise NotFound(f"there is no token {name!r}")
        audit.note(db, actor, Action.REVOKE_TOKEN, name)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
