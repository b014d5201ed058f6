"""Sessions of users in PostgreSQL."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, select

from app.domain.access import Role
from app.store import access_changes
from app.store.access_tables import sessions, users


@dataclass(frozen=True, slots=True)
class Session:
    """A valid session."""

    user_name: str
    role: Role
    csrf_token: str


def add(
    db: Connection, digest: bytes, user_id: int, csrf_token: str, lifetime: timedelta
) -> None:
    """Insert a session and delete expired ones."""
    db.execute(delete(sessions).where(sessions.c.expires_at <= func.now()))
    db.execute(
        insert(sessions).values(
            digest=digest,
            user_id=user_id,
            csrf_token=csrf_token,
            expires_at=func.now() + lifetime,
        )
    )


def find(db: Connection, digest: bytes) -> Session | None:
    """Return the session with this digest if it is valid and its user is enabled."""
    row = db.execute(
        select(users.c.name, users.c.role, sessions.c.csrf_token)
        .join_from(sessions, users)
        .where(
            sessions.c.digest == digest,
            sessions.c.expires_at > func.now(),
            users.c.disabled_at.is_(None),
        )
    ).one_or_none()
    return Session(row.name, Role(row.role), row.csrf_token) if row else None


def end(db: Connection, digest: bytes) -> None:
    """Delete a session, which invalidates its cookie."""
    db.execute(delete(sessions).where(sessions.c.digest == digest))
    access_changes.notify(db)


def end_all(db: Connection) -> None:
    """End all sessions of all users."""
    db.execute(delete(sessions))
    access_changes.notify(db)


def end_all_of(db: Connection, user_name: str) -> int:
    """Delete all sessions of a user; return their number."""
    result = db.execute(
        delete(sessions).where(
            sessions.c.user_id.in_(select(users.c.id).where(users.c.name == user_name))
        )
    )
    access_changes.notify(db)
    return result.rowcount
