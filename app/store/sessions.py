"""Sessions of users in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from app.domain.access import Role
from app.domain.display import Display, Theme, TimeZone
from app.store import access_changes
from app.store.access_tables import sessions, users

#: The query of the valid session with the digest `digest`: each request has it.
_VALID = (
    select(
        users.c.id,
        users.c.name,
        users.c.role,
        users.c.theme,
        users.c.time_zone,
        sessions.c.csrf_token,
        sessions.c.expires_at,
        sessions.c.provider,
    )
    .join_from(sessions, users)
    .where(
        sessions.c.digest == bindparam("digest"),
        sessions.c.expires_at > func.now(),
        users.c.disabled_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Session:
    """A valid session."""

    user_id: int
    user_name: str
    role: Role
    csrf_token: str
    display: Display
    expires_at: datetime
    #: The OpenID provider or proxy that has authenticated the user; empty for a
    #: password.
    provider: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session was started: the client's address, and the header User-Agent."""

    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A valid session for display."""

    id: int
    origin: Origin
    created_at: datetime
    expires_at: datetime
    current: bool


def add(
    db: Connection,
    digest: bytes,
    user_id: int,
    csrf_token: str,
    lifetime: timedelta,
    origin: Origin,
    provider: str = "",
) -> None:
    """Insert a session and delete expired ones."""
    db.execute(delete(sessions).where(sessions.c.expires_at <= func.now()))
    db.execute(
        insert(sessions).values(
            digest=digest,
            user_id=user_id,
            csrf_token=csrf_token,
            expires_at=func.now() + lifetime,
            address=origin.address,
            user_agent=origin.user_agent,
            provider=provider,
        )
    )


def find(db: Connection, digest: bytes) -> Session | None:
    """Return the session with this digest if it is valid and its user is enabled."""
    row = db.execute(_VALID, {"digest": digest}).one_or_none()
    if row is None:
        return None
    display = Display(Theme(row.theme), TimeZone(row.time_zone))
    return Session(
        row.id,
        row.name,
        Role(row.role),
        row.csrf_token,
        display,
        row.expires_at,
        row.provider,
    )


def list_of(db: Connection, user_id: int, current: bytes) -> list[SessionEntry]:
    """Return a user's valid sessions, newest first; mark the one with a digest."""
    c = sessions.c
    rows = db.execute(
        select(c.id, c.address, c.user_agent, c.created_at, c.expires_at, c.digest)
        .where(c.user_id == user_id, c.expires_at > func.now())
        .order_by(c.id.desc())
    )
    return [
        SessionEntry(
            row.id,
            Origin(row.address, row.user_agent),
            row.created_at,
            row.expires_at,
            bytes(row.digest) == current,
        )
        for row in rows
    ]


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


def end_one_of(db: Connection, user_id: int, session_id: int) -> bool:
    """Delete a session of a user by its id; return False if not found."""
    result = db.execute(
        delete(sessions).where(
            sessions.c.user_id == user_id, sessions.c.id == session_id
        )
    )
    access_changes.notify(db)
    return result.rowcount > 0


def end_others_of(db: Connection, user_id: int, current: bytes) -> int:
    """Delete a user's sessions except the one with a digest; return their number."""
    result = db.execute(
        delete(sessions).where(
            sessions.c.user_id == user_id, sessions.c.digest != current
        )
    )
    access_changes.notify(db)
    return result.rowcount
