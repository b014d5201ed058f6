"""The second step of a login: the code or the passkey after the password."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from app.domain.access import PERMISSIONS, Actor
from app.domain.audit import Action
from app.domain.passkeys import PasskeySite
from app.encryption import SecretBox
from app.errors import InvalidFields, NotLoggedIn
from app.store import (
    audit,
    login_failures,
    login_steps,
    passkeys,
    totp_secrets,
    users,
)
from app.store.sessions import Origin
from app.store.store import Store
from app.usecases import passkeys as passkey_use
from app.usecases import second_factor
from app.usecases.auth import digest, new_challenge, start_session

_OVER = "log in again: the time for the code is over"


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a login waits for; `passkey` is JSON for the browser, empty for no passkey.

    Without TOTP, only recovery codes are accepted as a code.
    """

    totp: bool
    passkey: str


def find(store: Store, site: PasskeySite | None, step: str) -> Awaited | None:
    """Return what a login waits for, None if it has ended; `step` is its secret."""
    from app import passkey_ceremony  # noqa: PLC0415 - it takes half a second

    with store.begin() as db:
        name = login_steps.find_user(db, digest(step))
        user = None if name is None else users.find(db, name)
        if user is None:
            return None
        totp = totp_secrets.is_confirmed(db, user.id)
        present = passkeys.list_of(db, user.id)
        challenge = login_steps.challenge_of(db, digest(step))
    if site is None or challenge is None or not present:
        return Awaited(totp, "")
    return Awaited(totp, passkey_ceremony.request_options(site, challenge, present))


def finish(
    store: Store,
    secret_box: SecretBox,
    step: str,
    code: str,
    origin: Origin,
    lifetime: timedelta,
    now: float,
    former: str | None = None,
) -> str:
    """Start the session of a login whose password was right; return its secret.

    Raises:
        NotLoggedIn: The login has expired or was finished.
        InvalidFields: The code isn't valid; another one can be given.
        TooManyAttempts: Too many codes were wrong; this one was not checked.
    """
    user = _user_of(store, step)
    with store.begin() as db:
        used = second_factor.use(db, secret_box, user.id, code, now)
        if used is None:
            _note_failure(db, user, origin)
        else:
            secret = _end(db, step, user, used, origin, lifetime, former)
    if used is None:
        raise InvalidFields({"code": "this code isn't valid, or was used before"})
    return secret


def finish_with_passkey(
    store: Store,
    site: PasskeySite | None,
    step: str,
    response: str,
    origin: Origin,
    lifetime: timedelta,
    former: str | None = None,
) -> str:
    """Start the session of a login whose password was right; return its secret.

    `response` is what a passkey has signed, as the browser's JSON. The challenge is
    used up, whether it is valid or not. Raises as `finish`, and Conflict.
    """
    user, site = _user_of(store, step), passkey_use.require_site(site)
    with store.begin() as db:
        challenge = login_steps.take_challenge(db, digest(step), new_challenge())
    try:
        if challenge is None:
            raise NotLoggedIn(_OVER)
        with store.begin() as db:
            passkey_use.use(db, site, user.id, challenge, response)
            used = passkey_use.PASSKEY
            return _end(db, step, user, used, origin, lifetime, former)
    except InvalidFields:
        with store.begin() as db:
            _note_failure(db, user, origin, passkey_use.PASSKEY)
        raise


def _user_of(store: Store, step: str) -> users.User:
    """Return the user of a login, and count its second factor as wrong until checked.

    Raises NotLoggedIn and TooManyAttempts.
    """
    with store.begin() as db:
        name = login_steps.find_user(db, digest(step))
        user = None if name is None else users.find(db, name)
    if user is None:
        raise NotLoggedIn(_OVER)
    second_factor.count_code(store, user.name, user.id)
    return user


def _end(
    db: Connection,
    step: str,
    user: users.User,
    used: str,
    origin: Origin,
    lifetime: timedelta,
    former: str | None,
) -> str:
    """End a login with its session, after the factor `used`; return the secret."""
    # Checked again: the password may have changed since.
    same = login_steps.find_user(db, digest(step)) == user.name
    if not same or not login_steps.end(db, digest(step)):
        raise NotLoggedIn(_OVER)
    login_failures.clear(db, user.name, origin.address)
    second_factor.clear_codes(db, user.name, user.id)
    return start_session(db, user, lifetime, origin, former, used)


def _note_failure(
    db: Connection, user: users.User, origin: Origin, subject: str = ""
) -> None:
    who = Actor(user.name, PERMISSIONS[user.role], address=origin.address)
    audit.note(db, who, Action.FAIL_SECOND_FACTOR, subject)
