"""The second factor of a local account: TOTP, recovery codes, and what is left of it.

Passkeys, the other kind, are in `passkeys`.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain import totp
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.passkeys import Passkey
from app.encryption import SecretBox
from app.errors import Conflict, InvalidFields, NotFound
from app.store import (
    audit,
    login_failures,
    login_steps,
    passkeys,
    recovery_codes,
    sessions,
    totp_secrets,
    users,
)
from app.store.store import Store
from app.usecases.auth import count_attempt, digest, is_set_up, require_password
from app.usecases.own_account import user_of

#: What the audit log calls the factors.
TOTP = "totp"
RECOVERY_CODE = "recovery code"
_SECRET = "secret"  # noqa: S105 - the name of a field


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Whether a user has set up TOTP, their passkeys, and unused recovery codes."""

    totp: bool
    passkeys: Sequence[Passkey]
    recovery_codes: int

    @property
    def kinds(self) -> int:
        """The number of ways to log in, without the recovery codes."""
        return self.totp + len(self.passkeys)


def find(store: Store, actor: Actor) -> SecondFactor:
    """Return the second factor of the actor. Raises NotFound."""
    user_id = user_of(actor)
    with store.begin() as db:
        return SecondFactor(
            totp_secrets.is_confirmed(db, user_id),
            passkeys.list_of(db, user_id),
            recovery_codes.count_unused(db, user_id),
        )


def start(store: Store, secret_box: SecretBox, actor: Actor, password: str) -> str:
    """Make a TOTP secret, which has no effect until `confirm`; return it.

    Raises NotFound, InvalidFields, TooManyAttempts, and Conflict if TOTP is set up.
    """
    import pyotp  # noqa: PLC0415 - only this needs it

    user_id = user_of(actor)
    require_password(store, actor, password)
    secret = pyotp.random_base32()
    sealed, key_id = secret_box.seal_with_id({_SECRET: secret})
    assert sealed is not None
    with store.begin() as db:
        if not totp_secrets.put(db, user_id, sealed, key_id):
            raise Conflict("an app is set up already; remove it first")
    return secret


def confirm(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    code: str,
    session: str,
    now: float,
) -> list[str]:
    """Turn TOTP on, with its first code; return new recovery codes if there are none.

    The actor's sessions other than `session` end, and logins that have started. Raises
    NotFound (also if nothing was started), InvalidFields and TooManyAttempts.
    """
    user_id = user_of(actor)
    count_code(store, actor.name, user_id)
    with store.begin() as db:
        stored = totp_secrets.lock(db, user_id)
        if stored is None or stored.confirmed:
            raise NotFound("start setting up the second factor again")
        step = _step(secret_box, stored, totp.normalize(code), now)
        if step is None:
            audit.note(db, actor, Action.FAIL_SECOND_FACTOR, TOTP)
        else:
            totp_secrets.accept(db, user_id, step)
            codes = first_codes(db, user_id)
            end_other_logins(db, user_id, session)
            clear_codes(db, actor.name, user_id)
            audit.note(db, actor, Action.SET_UP_TOTP, actor.name)
    if step is None:
        raise InvalidFields({"code": "this code isn't valid; wait for the next one"})
    return codes


def remove(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    password: str,
    code: str,
    session: str,
    now: float,
) -> None:
    """Remove TOTP, with password and code; end the other sessions.

    Without a passkey, the recovery codes are removed too.

    Raises NotFound, InvalidFields and TooManyAttempts.
    """
    user_id = user_of(actor)
    require_password(store, actor, password)
    count_code(store, actor.name, user_id)
    with store.begin() as db:
        used = use(db, secret_box, user_id, code, now)
        if used is None:
            audit.note(db, actor, Action.FAIL_SECOND_FACTOR)
        else:
            totp_secrets.remove(db, user_id)
            remove_codes_without_factor(db, user_id)
            end_other_logins(db, user_id, session)
            clear_codes(db, actor.name, user_id)
            audit.note(db, actor, Action.REMOVE_TOTP, actor.name)
    if used is None:
        raise InvalidFields({"code": "this code isn't valid, or was used before"})


def reset(store: Store, actor: Actor, name: str) -> None:
    """Remove the second factor of a user who can't use it, and end their sessions.

    Raises NotAllowed, and NotFound if there is no such user or no second factor.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = users.find(db, name)
        if user is None:
            raise NotFound(f"there is no user {name!r}")
        had_totp = totp_secrets.remove(db, user.id)
        if not passkeys.remove_all_of(db, user.id) and not had_totp:
            raise NotFound(f"{name} has no second factor")
        recovery_codes.remove(db, user.id)
        login_steps.end_all_of(db, user.id)
        sessions.end_all_of(db, name)
        clear_codes(db, name, user.id)
        audit.note(db, actor, Action.RESET_SECOND_FACTOR, name)


def use(
    db: Connection, secret_box: SecretBox, user_id: int, code: str, now: float
) -> str | None:
    """Use up a code of TOTP or a recovery code; return its kind, None if invalid.

    The lock on the user's secret serializes attempts, so a code is accepted once.
    """
    stored = totp_secrets.lock(db, user_id)
    typed = totp.normalize(code)
    if stored is not None and stored.confirmed:
        step = _step(secret_box, stored, typed, now)
        if step is not None:
            totp_secrets.accept(db, user_id, step)
            return TOTP
    return RECOVERY_CODE if recovery_codes.use(db, user_id, digest(typed)) else None


def count_code(store: Store, name: str, user_id: int) -> None:
    """Count a code as wrong before it is checked. Raises TooManyAttempts.

    All addresses count together: only a user who knows the password gets here, so
    others can't lock the user out.
    """
    count_attempt(store, name, _counter(user_id))


def clear_codes(db: Connection, name: str, user_id: int) -> None:
    """Delete the counted codes of a user after a valid one."""
    login_failures.clear(db, name, _counter(user_id))


def _counter(user_id: int) -> str:
    """Return what stands for the address; no client has this one."""
    return f"second factor of user {user_id}"


def _step(
    secret_box: SecretBox, stored: totp_secrets.TotpSecret, code: str, now: float
) -> int | None:
    import pyotp  # noqa: PLC0415 - only this needs it

    secret = str(secret_box.open(stored.sealed)[_SECRET])
    return totp.matching_step(pyotp.TOTP(secret).at, code, now, stored.last_step)


def first_codes(db: Connection, user_id: int) -> list[str]:
    """Return new recovery codes, or none if the user has unused ones."""
    if recovery_codes.count_unused(db, user_id):
        return []
    codes = [
        totp.recovery_code(secrets.token_bytes(totp.RECOVERY_BYTES))
        for _ in range(totp.RECOVERY_CODES)
    ]
    hashed = [digest(totp.normalize(code)) for code in codes]
    recovery_codes.replace(db, user_id, hashed)
    return codes


def remove_codes_without_factor(db: Connection, user_id: int) -> None:
    """Delete the recovery codes of a user who has neither TOTP nor a passkey."""
    if not is_set_up(db, user_id):
        recovery_codes.remove(db, user_id)


def end_other_logins(db: Connection, user_id: int, session: str) -> None:
    """End a user's sessions except one, and logins that have started."""
    sessions.end_others_of(db, user_id, digest(session))
    login_steps.end_all_of(db, user_id)
