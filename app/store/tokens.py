"""API tokens in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from app.store import access_changes
from app.store.access_tables import tokens


@dataclass(frozen=True, slots=True)
class Token:
    """An API token."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


def add(
    db: Connection,
    name: str,
    digest: bytes,
    scopes: list[str],
    expires_at: datetime | None,
) -> None:
    """Insert a token; raises IntegrityError if one with this name isn't revoked."""
    db.execute(
        insert(tokens).values(
            name=name, digest=digest, scopes=scopes, expires_at=expires_at
        )
    )


def use(db: Connection, digest: bytes) -> Token | None:
    """Return the token with this digest if it is valid, and record its use."""
    row = db.execute(
        select(tokens).where(
            tokens.c.digest == digest,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at.is_(None) | (tokens.c.expires_at > func.now()),
        )
    ).one_or_none()
    if row is None:
        return None
    # At most one update per minute keeps a busy token from being a hot row.
    db.execute(
        update(tokens)
        .where(
            tokens.c.id == row.id,
            tokens.c.last_used_at.is_(None)
            | (tokens.c.last_used_at < func.now() - timedelta(minutes=1)),
        )
        .values(last_used_at=func.now())
    )
    return _token(row)


def list_tokens(db: Connection) -> list[Token]:
    """Return the tokens that are not revoked, sorted by name."""
    rows = db.execute(
        select(tokens).where(tokens.c.revoked_at.is_(None)).order_by(tokens.c.name)
    )
    return [_token(row) for row in rows]


def revoke(db: Connection, name: str) -> bool:
    """Revoke the token with this name; return False if not found."""
    result = db.execute(
        update(tokens)
        .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    access_changes.notify(db)
    return result.rowcount > 0


def _token(row: Row[Any]) -> Token:
    return Token(row.id, row.name, tuple(row.scopes), row.created_at, row.expires_at,
                 row.last_used_at)  # fmt: skip
