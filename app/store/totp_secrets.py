"""The TOTP secrets of users in PostgreSQL."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.store.second_factor_tables import totp_secrets

_c = totp_secrets.c


@dataclass(frozen=True, slots=True)
class TotpSecret:
    """An encrypted secret; `last_step` is that of the last accepted code."""

    sealed: bytes
    confirmed: bool
    last_step: int


def put(db: Connection, user_id: int, sealed: bytes, key_id: str) -> bool:
    """Store a secret that isn't confirmed yet; return False if one is confirmed."""
    new = {"sealed": sealed, "key_id": key_id}
    statement = (
        insert(totp_secrets)
        .values(user_id=user_id, **new)
        .on_conflict_do_update(
            index_elements=[_c.user_id], set_=new, where=_c.confirmed_at.is_(None)
        )
        .returning(_c.user_id)
    )
    return db.scalar(statement) is not None


def lock(db: Connection, user_id: int) -> TotpSecret | None:
    """Lock and return the secret of a user."""
    row = db.execute(
        select(_c.sealed, _c.confirmed_at, _c.last_step)
        .where(_c.user_id == user_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    return TotpSecret(row.sealed, row.confirmed_at is not None, row.last_step)


def accept(db: Connection, user_id: int, step: int) -> None:
    """Record that the code of a step was accepted, which confirms the secret."""
    confirmed = func.coalesce(_c.confirmed_at, func.now())
    db.execute(
        update(totp_secrets)
        .where(_c.user_id == user_id)
        .values(last_step=step, confirmed_at=confirmed)
    )


def is_confirmed(db: Connection, user_id: int) -> bool:
    """Return whether a user has to give a code to log in."""
    found = select(_c.user_id).where(_c.user_id == user_id, _c.confirmed_at.isnot(None))
    return db.scalar(found) is not None


def remove(db: Connection, user_id: int) -> bool:
    """Delete the secret of a user; return False if there is none."""
    found = db.execute(delete(totp_secrets).where(_c.user_id == user_id))
    return found.rowcount > 0
