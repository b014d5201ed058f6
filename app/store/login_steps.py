"""Logins that wait for a second factor, in PostgreSQL."""

from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, literal, select, update

from app.store.access_tables import users
from app.store.second_factor_tables import login_steps

_c = login_steps.c


def add(
    db: Connection, digest: bytes, user_id: int, challenge: bytes, lifetime: timedelta
) -> None:
    """Insert a login of a user whose password was right, and delete expired ones.

    `challenge` is what a passkey has to sign.
    """
    db.execute(delete(login_steps).where(_c.expires_at <= func.now()))
    values = select(
        literal(digest),
        users.c.id,
        users.c.password_hash,
        func.now() + lifetime,
        literal(challenge),
    ).where(users.c.id == user_id)
    columns = ["digest", "user_id", "password_hash", "expires_at", "challenge"]
    db.execute(insert(login_steps).from_select(columns, values))


def find_user(db: Connection, digest: bytes) -> str | None:
    """Return the name of the user of a login that is still valid.

    The user is enabled, and has the same password.
    """
    return db.scalar(
        select(users.c.name)
        .join_from(login_steps, users)
        .where(
            _c.digest == digest,
            _c.expires_at > func.now(),
            _c.password_hash == users.c.password_hash,
            users.c.disabled_at.is_(None),
        )
    )


def challenge_of(db: Connection, digest: bytes) -> bytes | None:
    """Return what a passkey has to sign for a login."""
    found = db.scalar(select(_c.challenge).where(_c.digest == digest))
    return None if found is None else bytes(found)


def take_challenge(db: Connection, digest: bytes, new: bytes) -> bytes | None:
    """Replace the challenge of a login and return the one before: each is used once."""
    found = db.scalar(select(_c.challenge).where(_c.digest == digest).with_for_update())
    db.execute(update(login_steps).where(_c.digest == digest).values(challenge=new))
    return None if found is None else bytes(found)


def end(db: Connection, digest: bytes) -> bool:
    """Delete a login; return False if another request has done so."""
    return db.execute(delete(login_steps).where(_c.digest == digest)).rowcount > 0


def end_all_of(db: Connection, user_id: int) -> None:
    """Delete the logins of a user."""
    db.execute(delete(login_steps).where(_c.user_id == user_id))
