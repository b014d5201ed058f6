"""The recovery codes of users in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from app.store.second_factor_tables import recovery_codes

_c = recovery_codes.c


def replace(db: Connection, user_id: int, digests: Sequence[bytes]) -> None:
    """Store the digests of a user's new codes; the earlier ones become invalid."""
    remove(db, user_id)
    rows = [{"user_id": user_id, "digest": digest} for digest in digests]
    db.execute(insert(recovery_codes), rows)


def use(db: Connection, user_id: int, digest: bytes) -> bool:
    """Mark a code as used; return False if it is unknown or was used."""
    statement = (
        update(recovery_codes)
        .where(_c.user_id == user_id, _c.digest == digest, _c.used_at.is_(None))
        .values(used_at=func.now())
        .returning(_c.user_id)
    )
    return db.scalar(statement) is not None


def count_unused(db: Connection, user_id: int) -> int:
    """Return the number of a user's codes that weren't used."""
    unused = select(func.count()).where(_c.user_id == user_id, _c.used_at.is_(None))
    return db.scalar(unused) or 0


def remove(db: Connection, user_id: int) -> None:
    """Delete the codes of a user."""
    db.execute(delete(recovery_codes).where(_c.user_id == user_id))
