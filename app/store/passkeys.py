"""The passkeys of users in PostgreSQL, and the challenges of new ones."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.passkeys import NewPasskey, Passkey
from app.store.second_factor_tables import passkey_challenges, passkeys

_c = passkeys.c


def list_of(db: Connection, user_id: int) -> Sequence[Passkey]:
    """Return the passkeys of a user, sorted by name."""
    rows = db.execute(select(passkeys).where(_c.user_id == user_id).order_by(_c.name))
    return [_passkey(row) for row in rows]


def find_of(db: Connection, user_id: int, credential_id: bytes) -> Passkey | None:
    """Lock and return the passkey of a user with this id of WebAuthn."""
    row = db.execute(
        select(passkeys)
        .where(_c.user_id == user_id, _c.credential_id == credential_id)
        .with_for_update()
    ).one_or_none()
    return None if row is None else _passkey(row)


def any_of(db: Connection, user_id: int) -> bool:
    """Return whether a user has a passkey."""
    found = select(_c.id).where(_c.user_id == user_id).limit(1)
    return db.scalar(found) is not None


def add(db: Connection, user_id: int, name: str, key: NewPasskey) -> None:
    """Insert a passkey; raises sqlalchemy's IntegrityError if name or id is taken."""
    db.execute(
        insert(passkeys).values(
            user_id=user_id,
            name=name,
            credential_id=key.credential_id,
            public_key=key.public_key,
            sign_count=key.sign_count,
            transports=list(key.transports),
        )
    )


def note_use(db: Connection, passkey_id: int, sign_count: int) -> None:
    """Store the counter of a passkey that was used now."""
    db.execute(
        update(passkeys)
        .where(_c.id == passkey_id)
        .values(sign_count=sign_count, last_used_at=func.now())
    )


def remove(db: Connection, passkey_id: int) -> None:
    """Delete a passkey."""
    db.execute(delete(passkeys).where(_c.id == passkey_id))


def remove_all_of(db: Connection, user_id: int) -> bool:
    """Delete the passkeys of a user; return False if there are none."""
    return db.execute(delete(passkeys).where(_c.user_id == user_id)).rowcount > 0


def put_challenge(
    db: Connection, digest: bytes, challenge: bytes, lifetime: timedelta
) -> None:
    """Store the challenge of a session's new passkey, instead of an earlier one."""
    new = {"challenge": challenge, "expires_at": func.now() + lifetime}
    db.execute(
        insert(passkey_challenges)
        .values(digest=digest, **new)
        .on_conflict_do_update(index_elements=[passkey_challenges.c.digest], set_=new)
    )


def take_challenge(db: Connection, digest: bytes) -> bytes | None:
    """Delete the challenge of a session and return it, None if it has expired."""
    c = passkey_challenges.c
    row = db.execute(
        delete(passkey_challenges)
        .where(c.digest == digest)
        .returning(c.challenge, c.expires_at > func.now())
    ).one_or_none()
    return bytes(row[0]) if row is not None and row[1] else None


def _passkey(row: Row[Any]) -> Passkey:
    key = NewPasskey(
        bytes(row.credential_id),
        bytes(row.public_key),
        row.sign_count,
        tuple(row.transports),
    )
    return Passkey(row.id, row.user_id, row.name, row.created_at, row.last_used_at, key)
