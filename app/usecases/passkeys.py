"""The passkeys of a local account, which are a second factor."""

from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain.access import Actor
from app.domain.audit import Action
from app.domain.passkeys import MAX_PASSKEYS, PasskeySite, name_problem
from app.encryption import SecretBox
from app.errors import Conflict, InvalidFields, NotFound
from app.store import audit, passkeys, totp_secrets
from app.store.store import Store
from app.usecases import second_factor
from app.usecases.auth import digest, new_challenge, require_password
from app.usecases.own_account import user_of

#: What the audit log calls this factor.
PASSKEY = "passkey"
#: The time between the password and the new passkey.
CHALLENGE_LIFETIME = timedelta(minutes=5)
#: Why passkeys can't be used at an address.
UNAVAILABLE = (
    "passkeys need FASTDEPLOY_URL: https://NAME, or http://localhost; an IP address "
    "isn't enough"
)


def start(
    store: Store, site: PasskeySite | None, actor: Actor, password: str, session: str
) -> str:
    """Return what the browser needs to make a passkey, as JSON.

    Its challenge belongs to the session, and is used once. Raises NotFound, Conflict,
    InvalidFields and TooManyAttempts.
    """
    from app import passkey_ceremony  # noqa: PLC0415 - it takes half a second

    user_id = user_of(actor)
    require_password(store, actor, password)
    site = require_site(site)
    challenge = new_challenge()
    with store.begin() as db:
        present = passkeys.list_of(db, user_id)
        if len(present) >= MAX_PASSKEYS:
            raise Conflict(f"you have {MAX_PASSKEYS} passkeys; remove one first")
        passkeys.put_challenge(db, digest(session), challenge, CHALLENGE_LIFETIME)
    return passkey_ceremony.creation_options(
        site, user_id, actor.name, challenge, present
    )


def add(
    store: Store,
    site: PasskeySite | None,
    actor: Actor,
    name: str,
    response: str,
    session: str,
) -> list[str]:
    """Store what the browser has made; return recovery codes if there were none.

    The actor's sessions other than `session` end. Raises NotFound (also if nothing was
    started, or too long ago), Conflict and InvalidFields.
    """
    from app import passkey_ceremony  # noqa: PLC0415 - it takes half a second

    user_id, name = user_of(actor), name.strip()
    with store.begin() as db:
        challenge = passkeys.take_challenge(db, digest(session))
    if challenge is None:
        raise NotFound("the time to add a passkey is over; start again")
    if problem := name_problem(name):
        raise InvalidFields({"name": problem})
    made = passkey_ceremony.verify_creation(require_site(site), challenge, response)
    try:
        with store.begin() as db:
            passkeys.add(db, user_id, name, made)
            codes = second_factor.first_codes(db, user_id)
            second_factor.end_other_logins(db, user_id, session)
            audit.note(db, actor, Action.ADD_PASSKEY, name)
    except IntegrityError:
        raise InvalidFields(
            {"name": "you have a passkey with this name, or this passkey"}
        ) from None
    return codes


def remove(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    passkey_id: int,
    password: str,
    code: str,
    session: str,
    now: float,
) -> None:
    """Remove a passkey, with the password; end the other sessions.

    The last second factor also needs a code. Raises NotFound, InvalidFields and
    TooManyAttempts.
    """
    user_id = user_of(actor)
    require_password(store, actor, password)
    second_factor.count_code(store, actor.name, user_id)
    with store.begin() as db:
        present = passkeys.list_of(db, user_id)
        found = next((each for each in present if each.id == passkey_id), None)
        if found is None:
            raise NotFound("this passkey doesn't exist any more")
        is_last = len(present) == 1 and not totp_secrets.is_confirmed(db, user_id)
        allowed = not is_last or second_factor.use(db, secret_box, user_id, code, now)
        if allowed:
            passkeys.remove(db, passkey_id)
            second_factor.remove_codes_without_factor(db, user_id)
            second_factor.end_other_logins(db, user_id, session)
            second_factor.clear_codes(db, actor.name, user_id)
            audit.note(db, actor, Action.REMOVE_PASSKEY, found.name)
        else:
            audit.note(db, actor, Action.FAIL_SECOND_FACTOR)
    if not allowed:
        raise InvalidFields(
            {"code": "to remove the last second factor, give a recovery code"}
        )


def use(
    db: Connection, site: PasskeySite, user_id: int, challenge: bytes, response: str
) -> None:
    """Check that a passkey of the user has signed a challenge, and note its use.

    Raises InvalidFields.
    """
    from app import passkey_ceremony  # noqa: PLC0415 - it takes half a second

    credential_id = passkey_ceremony.credential_id_of(response)
    found = passkeys.find_of(db, user_id, credential_id)
    if found is None:
        raise InvalidFields({PASSKEY: "this passkey isn't one of your account"})
    counter = passkey_ceremony.verify_use(site, challenge, found, response)
    passkeys.note_use(db, found.id, counter)


def require_site(site: PasskeySite | None) -> PasskeySite:
    """Return the site; raises Conflict if there are no passkeys at its address."""
    if site is None:
        raise Conflict(UNAVAILABLE)
    return site
