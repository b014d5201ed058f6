"""Logging in and out, users, and tokens for the API."""

import getpass
import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.exc import IntegrityError

from app.domain.access import PERMISSIONS, Actor, Permission, Role, on_host
from app.domain.audit import Action
from app.domain.service import MAX_DAYS
from app.errors import (
    Conflict,
    InvalidFields,
    NotFound,
    NotLoggedIn,
    TooManyAttempts,
)
from app.store import access, audit
from app.store.store import Store

MIN_PASSWORD = 10
MAX_PASSWORD = 1024
#: Characters of a name that are looked at; no user has a longer one.
MAX_NAME = 200
#: Within this time, a user may fail so often from one address, and an address so often.
WINDOW = timedelta(minutes=15)
MAX_FAILURES = 5
MAX_FAILURES_OF_ADDRESS = 50

#: So that a leaked token is recognized, by people and by scanners.
TOKEN_PREFIX = "fd_"  # noqa: S105 - not a secret, the beginning of each

_NO_MATCH = "name and password don't fit together"

_hasher = PasswordHash((Argon2Hasher(),))


def create_user(
    store: Store, actor: Actor, name: str, password: str, role: Role
) -> None:
    """Create a user. NotAllowed, InvalidFields, and Conflict if the name is taken."""
    actor.require(Permission.ADMIN)
    problems = _password_problems(password)
    if not re.fullmatch(r"[\w.@+-]{1,64}", name):
        problems |= {"name": "a user's name has 1 to 64 letters, digits or . @ + - _"}
    if problems:
        raise InvalidFields(problems)
    hashed = _hasher.hash(password)
    try:
        with store.begin() as db:
            access.add_user(db, name, hashed, role)
            audit.note(db, actor, Action.CREATE_USER, name)
    except IntegrityError:
        raise Conflict(f"there is a user {name} already") from None


def set_password(store: Store, actor: Actor, name: str, password: str) -> None:
    """Give a user a new password and end their sessions; NotFound, InvalidFields."""
    actor.require(Permission.ADMIN)
    problems = _password_problems(password)
    if problems:
        raise InvalidFields(problems)
    hashed = _hasher.hash(password)
    with store.begin() as db:
        if not access.set_password(db, name, hashed):
            raise NotFound(f"there is no user {name!r}")
        audit.note(db, actor, Action.SET_PASSWORD, name)


def create_first_admin(store: Store) -> tuple[str, str] | None:
    """Where nobody can log in yet, create `admin`; returns the name and password."""
    with store.begin() as db:
        if access.any_user(db):
            return None
    password = secrets.token_urlsafe(15)
    create_user(store, on_host(getpass.getuser()), "admin", password, Role.ADMIN)
    return "admin", password


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
        TooManyAttempts: Several logins failed; the next password is not even checked.
    """
    name = name[:MAX_NAME]
    if "\0" in name:
        raise NotLoggedIn(_NO_MATCH)
    user = _count_attempt(store, name, address)
    # Outside of any transaction: argon2 takes its time on purpose.
    hashed = _nobodys_hash() if user is None else user.password_hash
    fits, newer = _hasher.verify_and_update(password[:MAX_PASSWORD], hashed)
    if user is None or user.disabled or not fits:
        with store.begin() as db:
            who = Actor(name, frozenset(), address=address)
            audit.note(db, who, Action.FAIL_TO_LOG_IN)
        raise NotLoggedIn(_NO_MATCH)
    secret = secrets.token_urlsafe(32)
    with store.begin() as db:
        access.forget_failures(db, name, address)
        if newer is not None:
            access.rehash(db, user.id, newer)
        if former is not None:
            access.end_session(db, _digest(former))
        access.add_session(
            db, _digest(secret), user.id, secrets.token_urlsafe(32), lifetime
        )
        who = Actor(user.name, PERMISSIONS[user.role], address=address)
        audit.note(db, who, Action.LOG_IN)
    return secret


def _count_attempt(store: Store, name: str, address: str) -> access.User | None:
    """Count a login as failed before its password is checked; return the user.

    A login that succeeds takes its count back. So logins that are sent at once can't
    have more passwords checked than those that are sent one after the other.
    """
    with store.begin() as db:
        access.lock_logins(db, address)
        of_user, of_address = access.count_failures(db, name, address, WINDOW)
        if of_user < MAX_FAILURES and of_address < MAX_FAILURES_OF_ADDRESS:
            access.note_failure(db, name, address)
            return access.find_user(db, name)
    minutes = int(WINDOW.total_seconds() // 60)
    raise TooManyAttempts(
        f"too many failed logins; try again in {minutes} minutes",
        retry_after=int(WINDOW.total_seconds()),
    )


def log_out(store: Store, secret: str, address: str) -> None:
    """End the session of a cookie, for good."""
    with store.begin() as db:
        session = access.find_session(db, _digest(secret))
        if session is None:
            return
        access.end_session(db, _digest(secret))
        who = Actor(session.user_name, PERMISSIONS[session.role], address=address)
        audit.note(db, who, Action.LOG_OUT)


def end_sessions(store: Store, actor: Actor, user_name: str) -> int:
    """End every session of a user; returns how many there were. Raises NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        if access.find_user(db, user_name) is None:
            raise NotFound(f"there is no user {user_name!r}")
        audit.note(db, actor, Action.END_SESSIONS, user_name)
        return access.end_sessions_of(db, user_name)


def by_session(store: Store, secret: str) -> Actor | None:
    """The actor of a session cookie, None if the session has ended."""
    with store.begin() as db:
        session = access.find_session(db, _digest(secret))
    if session is None:
        return None
    return Actor(session.user_name, PERMISSIONS[session.role], session.csrf_token)


def by_token(store: Store, secret: str) -> Actor:
    """The actor of a bearer token; raises NotLoggedIn."""
    with store.begin() as db:
        token = access.use_token(db, _digest(secret))
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
    """Create a token; returns the secret, which is not kept anywhere.

    It expires after that many days, or never. Raises NotAllowed, InvalidFields, and
    Conflict if one of that name is still good.
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
            access.add_token(db, name, _digest(secret), sorted(set(scopes)), expires_at)
            audit.note(db, actor, Action.CREATE_TOKEN, name)
    except IntegrityError:
        raise Conflict(f"there is a token {name} already; revoke it first") from None
    return secret


def list_tokens(store: Store, actor: Actor) -> list[access.Token]:
    """The tokens that were not revoked."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return access.list_tokens(db)


def revoke_token(store: Store, actor: Actor, name: str) -> None:
    """End a token; raises NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        if not access.revoke_token(db, name):
            raise NotFound(f"there is no token {name!r}")
        audit.note(db, actor, Action.REVOKE_TOKEN, name)


@cache
def _nobodys_hash() -> str:
    """What a login with an unknown name is checked against: it takes as long."""
    return _hasher.hash(secrets.token_urlsafe())


def _password_problems(password: str) -> dict[str, str]:
    """What is wrong with a new password, by the name of its field."""
    if MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return {}
    limits = f"{MIN_PASSWORD} to {MAX_PASSWORD} characters"
    return {"password": f"a password has {limits}"}


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
