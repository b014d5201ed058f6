"""Log in and out, and check sessions and tokens."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from app.domain.access import (
    PERMISSIONS,
    TOKEN,
    Access,
    Actor,
    Grant,
    Permission,
    Role,
    access_of,
    permissions_of_scopes,
)
from app.domain.audit import Action
from app.domain.proxy_login import ISSUER
from app.errors import InvalidFields, NotLoggedIn, SecondFactorNeeded, TooManyAttempts
from app.store import (
    audit,
    grants,
    identities,
    login_failures,
    login_steps,
    passkeys,
    sessions,
    tokens,
    totp_secrets,
    users,
)
from app.store.sessions import Origin
from app.store.store import Store
from app.usecases import passwords

#: Maximum length of a name at login; names of users are shorter.
MAX_NAME = 200
#: Maximum length of a header User-Agent that is stored.
MAX_USER_AGENT = 300
#: The maximum numbers of failed logins in this time: of a user from one address, and of
#: all users from one address.
WINDOW = timedelta(minutes=15)
MAX_FAILURES = 5
MAX_FAILURES_OF_ADDRESS = 50
#: The time between the password and the code of a second factor.
STEP_LIFETIME = timedelta(minutes=5)

#: The provider of sessions, and the issuer of accounts, of users whom a proxy names.
PROXY = ISSUER
_NO_MATCH = "name and password don't fit together"


def log_in(
    store: Store,
    name: str,
    password: str,
    address: str,
    lifetime: timedelta,
    former: str | None = None,
    user_agent: str = "",
) -> str:
    """Start a session; return the secret for its cookie.

    Args:
        store: Where users and sessions are.
        name: The name that was typed.
        password: The password that was typed.
        address: The address that the request came from.
        lifetime: How long the session is valid.
        former: The secret of the browser's session until now, which ends.
        user_agent: The header User-Agent of the request, to recognize the session.

    Raises:
        NotLoggedIn: Name and password don't match.
        SecondFactorNeeded: They do, and the user has a second factor; the attempt
            stays counted as failed until that was checked.
        TooManyAttempts: Too many logins failed; the password was not checked.
    """
    name = name[:MAX_NAME]
    if "\0" in name:
        raise NotLoggedIn(_NO_MATCH)
    user = count_attempt(store, name, address)
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
    with store.begin() as db:
        if newer is not None:
            users.rehash(db, user.id, newer)
        second_factor = is_set_up(db, user.id)
        if second_factor:
            secret = secrets.token_urlsafe(32)
            challenge = new_challenge()
            login_steps.add(db, digest(secret), user.id, challenge, STEP_LIFETIME)
        else:
            login_failures.clear(db, name, address)
            origin = Origin(address, user_agent)
            secret = start_session(db, user, lifetime, origin, former)
    if second_factor:
        raise SecondFactorNeeded(secret)
    return secret


def is_set_up(db: Connection, user_id: int) -> bool:
    """Return whether a user has a second factor: TOTP or a passkey."""
    return totp_secrets.is_confirmed(db, user_id) or passkeys.any_of(db, user_id)


def new_challenge() -> bytes:
    """Return what a passkey has to sign: random bytes, used once."""
    return secrets.token_bytes(32)


def start_session(
    db: Connection,
    user: users.User,
    lifetime: timedelta,
    origin: Origin,
    former: str | None,
    subject: str = "",
    provider: str = "",
) -> str:
    """Start a session of a user who has proved who they are; return its secret.

    The browser's former session ends. `subject` is what the audit log names, and
    `provider` who has authenticated the user, if FastDeploy hasn't.
    """
    secret, csrf_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    if former is not None:
        sessions.end(db, digest(former))
    agent = origin.user_agent[:MAX_USER_AGENT].replace("\0", "")
    shown = Origin(origin.address, agent)
    sessions.add(db, digest(secret), user.id, csrf_token, lifetime, shown, provider)
    who = Actor(user.name, PERMISSIONS[user.role], address=origin.address)
    audit.note(db, who, Action.LOG_IN, subject)
    return secret


def require_password(store: Store, actor: Actor, password: str) -> None:
    """Check the password of a user who has logged in.

    Raises InvalidFields with the field `current`, and TooManyAttempts.
    """
    user = count_attempt(store, actor.name, actor.address)
    # Outside of any transaction: argon2 is slow on purpose.
    hashed = passwords.unknown_user_hash() if user is None else user.password_hash
    if not passwords.matches(password[: passwords.MAX_LENGTH], hashed):
        raise InvalidFields({"current": "this isn't the present password"})
    with store.begin() as db:
        login_failures.clear(db, actor.name, actor.address)


def count_attempt(store: Store, name: str, address: str) -> users.User | None:
    """Count an attempt as failed before its password is checked; return the user.

    A successful attempt removes its count. So concurrent attempts can't check more
    passwords than sequential ones. Raises TooManyAttempts.
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


def log_out(store: Store, secret: str, address: str) -> str:
    """End the session of a cookie, if it is valid; return its provider."""
    with store.begin() as db:
        session = sessions.find(db, digest(secret))
        if session is None:
            return ""
        sessions.end(db, digest(secret))
        who = Actor(session.user_name, PERMISSIONS[session.role], address=address)
        audit.note(db, who, Action.LOG_OUT)
    return session.provider


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What a session needs besides its cookie."""

    #: The roles that need a second factor after a password.
    second_factor_for: frozenset[Role] = frozenset()
    #: Whom the proxy names in the request. A session of such a user needs the same.
    proxy_user: str = ""


def by_session(
    store: Store,
    secret: str,
    rules: SessionRules = SessionRules(),
) -> Actor | None:
    """Return the actor of a session cookie, None if the session isn't valid."""
    with store.begin() as db:
        session = sessions.find(db, digest(secret))
        if session is None:
            return None
        if session.provider == PROXY and not identities.belongs(
            db, PROXY, rules.proxy_user, session.user_id
        ):
            return None
        needed = session.role in rules.second_factor_for and not session.provider
        missing = needed and not is_set_up(db, session.user_id)
        access = access_of(session.role, grants.of_user(db, session.user_id))
    return Actor(
        session.user_name,
        PERMISSIONS[session.role] | access.permissions,
        session.csrf_token,
        user_id=session.user_id,
        display=session.display,
        identity=f"user:{session.user_id}",
        expires_at=session.expires_at,
        access=access,
        needs_second_factor=missing,
    )


def by_token(store: Store, secret: str) -> Actor:
    """Return the actor of a bearer token; raises NotLoggedIn.

    The permissions of a personal token never exceed those of its owner. A limited token
    has those of its grants only.
    """
    with store.begin() as db:
        token = tokens.use(db, digest(secret))
        if token is None:
            raise NotLoggedIn("the token is unknown, expired or revoked")
        owned = None
        if token.owner is not None:
            of_owner = grants.of_user(db, token.owner.id)
            owned = access_of(token.owner.role, of_owner)
        granted = grants.of_token(db, token.id) if token.limited else frozenset()
    scopes = permissions_of_scopes(map(Permission, token.scopes))
    name = f"{token.name} (token)"
    layers: tuple[frozenset[Grant], ...] = ()
    if token.owner is not None and owned is not None:
        name = f"{token.owner.name} ({token.name}, token)"
        scopes &= PERMISSIONS[token.owner.role] | owned.permissions
        layers = owned.layers
    if token.limited:
        own = Access((granted,))
        scopes &= own.permissions
        layers += own.layers
    return Actor(
        name,
        scopes,
        identity=identity_of(token.id),
        expires_at=token.expires_at,
        access=Access(layers),
    )


def identity_of(token_id: int) -> str:
    """Return the identity of the actor of a token."""
    return f"{TOKEN}{token_id}"


def digest(secret: str) -> bytes:
    """Return the stored digest of a session's or a token's secret."""
    return hashlib.sha256(secret.encode()).digest()
