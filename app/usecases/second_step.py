"""The second step of a login: the code after the password."""

from datetime import timedelta

from app.domain.access import PERMISSIONS, Actor
from app.domain.audit import Action
from app.encryption import SecretBox
from app.errors import InvalidFields, NotLoggedIn
from app.store import audit, login_failures, login_steps, users
from app.store.sessions import Origin
from app.store.store import Store
from app.usecases import second_factor
from app.usecases.auth import digest, start_session

_OVER = "log in again: the time for the code is over"


def is_awaited(store: Store, step: str) -> bool:
    """Return whether a login waits for its code; `step` is its secret."""
    with store.begin() as db:
        return login_steps.find_user(db, digest(step)) is not None


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
    with store.begin() as db:
        name = login_steps.find_user(db, digest(step))
        user = None if name is None else users.find(db, name)
    if user is None:
        raise NotLoggedIn(_OVER)
    second_factor.count_code(store, user.name, user.id)
    with store.begin() as db:
        used = second_factor.use(db, secret_box, user.id, code, now)
        if used is None:
            who = Actor(user.name, PERMISSIONS[user.role], address=origin.address)
            audit.note(db, who, Action.FAIL_SECOND_FACTOR)
        else:
            # Checked again: the password may have changed since.
            same = login_steps.find_user(db, digest(step)) == user.name
            if not same or not login_steps.end(db, digest(step)):
                raise NotLoggedIn(_OVER)
            login_failures.clear(db, user.name, origin.address)
            second_factor.clear_codes(db, user.name, user.id)
            secret = start_session(db, user, lifetime, origin, former, used)
    if used is None:
        raise InvalidFields({"code": "this code isn't valid, or was used before"})
    return secret
