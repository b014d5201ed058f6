"""API tokens in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    func,
    insert,
    select,
    update,
)

from app.domain.access import Role
from app.store import access_changes
from app.store.access_tables import tokens, users


@dataclass(frozen=True, slots=True)
class Owner:
    """The user who owns a personal token."""

    id: int
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Token:
    """An API token; a personal one has an owner."""

    id: int
    name: str
    owner: Owner | None
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    #: Whether it has the permissions of its grants only.
    limited: bool = False


def add(
    db: Connection,
    name: str,
    digest: bytes,
    scopes: Sequence[str],
    expires_at: datetime | None,
    user_id: int | None = None,
    *,
    limited: bool = False,
) -> int:
    """Insert a token, a personal one if it has a user; return its id.

    Raises IntegrityError if one of the same owner with this name isn't revoked.
    """
    number: int = db.execute(
        insert(tokens)
        .values(
            name=name,
            digest=digest,
            scopes=list(scopes),
            expires_at=expires_at,
            user_id=user_id,
            limited=limited,
        )
        .returning(tokens.c.id)
    ).scalar_one()
    return number


def use(db: Connection, digest: bytes) -> Token | None:
    """Return the token with this digest if it is valid, and record its use.

    A personal token is valid only while its owner is enabled.
    """
    row = db.execute(_VALID, {"digest": digest}).one_or_none()
    if row is None:
        return None
    if row.outdated:
        db.execute(
            update(tokens)
            .where(tokens.c.id == row.id, _OUTDATED)
            .values(last_used_at=func.now())
        )
    return _token(row)


def use_first(db: Connection, digest: bytes) -> bool:
    """Note the first use of a valid token; return False if it was used before."""
    result = db.execute(
        update(tokens)
        .where(
            tokens.c.digest == digest,
            tokens.c.revoked_at.is_(None),
            tokens.c.last_used_at.is_(None),
        )
        .values(last_used_at=func.now())
    )
    return result.rowcount > 0


def list_tokens(db: Connection) -> list[Token]:
    """Return the tokens that are not revoked, sorted by name."""
    rows = db.execute(_tokens().order_by(tokens.c.name, tokens.c.id))
    return [_token(row) for row in rows]


def list_of(db: Connection, user_id: int) -> list[Token]:
    """Return a user's personal tokens that are not revoked, sorted by name."""
    rows = db.execute(
        _tokens().where(tokens.c.user_id == user_id).order_by(tokens.c.name)
    )
    return [_token(row) for row in rows]


def find_shared(db: Connection, name: str) -> Token | None:
    """Return the token with this name that has no owner and isn't revoked."""
    row = db.execute(
        _tokens().where(tokens.c.name == name, tokens.c.user_id.is_(None))
    ).one_or_none()
    return None if row is None else _token(row)


def find(db: Connection, token_id: int) -> Token | None:
    """Return the token with this id if it isn't revoked."""
    row = db.execute(_tokens().where(tokens.c.id == token_id)).one_or_none()
    return None if row is None else _token(row)


def revoke(db: Connection, token_id: int) -> bool:
    """Revoke a token; return False if another request has done so."""
    result = db.execute(
        update(tokens)
        .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    access_changes.notify(db)
    return result.rowcount > 0


def _tokens() -> Select[Any]:
    """Select the tokens that are not revoked, with their owners."""
    owner = users.c.name.label("owner"), users.c.role
    return (
        select(tokens, *owner)
        .outerjoin_from(tokens, users)
        .where(tokens.c.revoked_at.is_(None))
    )


#: At most one update per minute keeps a busy token from being a hot row.
_OUTDATED = tokens.c.last_used_at.is_(None) | (
    tokens.c.last_used_at < func.now() - timedelta(minutes=1)
)
#: The query of the valid token with the digest `digest`: each request has it.
_VALID = (
    _tokens()
    .add_columns(_OUTDATED.label("outdated"))
    .where(
        tokens.c.digest == bindparam("digest"),
        tokens.c.expires_at.is_(None) | (tokens.c.expires_at > func.now()),
        users.c.disabled_at.is_(None),
    )
)


def _token(row: Row[Any]) -> Token:
    owner = None
    if row.user_id is not None:
        owner = Owner(row.user_id, row.owner, Role(row.role))
    return Token(row.id, row.name, owner, tuple(row.scopes), row.created_at,
                 row.expires_at, row.last_used_at, row.limited)  # fmt: skip
