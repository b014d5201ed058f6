"""Users, sessions, tokens and failed logins in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from app.domain.access import Role
from app.store.tables import login_failures, sessions, tokens, users

#: NOTIFY channel for sessions, tokens or roles that were revoked or changed.
CHANNEL = "fastdeploy_access"


@dataclass(frozen=True, slots=True)
class User:
    """A user with the password's hash, for the login."""

    id: int
    name: str
    password_hash: str
    role: Role
    disabled: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A user for display; `sessions` counts the valid ones."""

    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    sessions: int


@dataclass(frozen=True, slots=True)
class Session:
    """A valid session."""

    user_name: str
    role: Role
    csrf_token: str


@dataclass(frozen=True, slots=True)
class Token:
    """An API token."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


def add_user(db: Connection, name: str, password_hash: str, role: Role) -> None:
    """Insert a user; raises sqlalchemy's IntegrityError if the name is taken."""
    db.execute(
        insert(users).values(name=name, password_hash=password_hash, role=role.value)
    )


def set_password(db: Connection, name: str, password_hash: str) -> bool:
    """Replace a password and end the user's sessions; return False if not found."""
    user_id = db.scalar(
        update(users)
        .where(users.c.name == name)
        .values(password_hash=password_hash)
        .returning(users.c.id)
    )
    db.execute(delete(sessions).where(sessions.c.user_id == user_id))
    _notify(db)
    return user_id is not None


def rehash(db: Connection, user_id: int, password_hash: str) -> None:
    """Store the same password with a newer hash algorithm; sessions stay valid."""
    db.execute(
        update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )


def find_user(db: Connection, name: str) -> User | None:
    """Return the user with this name."""
    row = db.execute(select(users).where(users.c.name == name)).one_or_none()
    if row is None:
        return None
    return User(row.id, row.name, row.password_hash, Role(row.role),
                row.disabled_at is not None)  # fmt: skip


def list_members(db: Connection) -> list[Member]:
    """Return all users, sorted by name."""
    return [_member(row) for row in db.execute(_members().order_by(users.c.name))]


def lock_member(db: Connection, user_id: int) -> Member | None:
    """Lock all users until the transaction ends and return the one with this id."""
    # The check that an admin remains depends on the other users too.
    db.execute(select(users.c.id).order_by(users.c.id).with_for_update())
    row = db.execute(_members().where(users.c.id == user_id)).one_or_none()
    return None if row is None else _member(row)


def find_member(db: Connection, user_id: int) -> Member | None:
    """Return the user with this id."""
    row = db.execute(_members().where(users.c.id == user_id)).one_or_none()
    return None if row is None else _member(row)


def other_admin(db: Connection, user_id: int) -> bool:
    """Return whether there is another enabled admin."""
    found = select(users.c.id).where(
        users.c.id != user_id,
        users.c.role == Role.ADMIN.value,
        users.c.disabled_at.is_(None),
    )
    return db.scalar(found.limit(1)) is not None


def set_role(db: Connection, user_id: int, role: Role) -> None:
    """Change a user's role, also in existing sessions."""
    db.execute(update(users).where(users.c.id == user_id).values(role=role.value))
    _notify(db)


def set_disabled(db: Connection, user_id: int, *, disabled: bool) -> None:
    """Disable a user and end their sessions, or enable the user again."""
    at = func.now() if disabled else None
    db.execute(update(users).where(users.c.id == user_id).values(disabled_at=at))
    if disabled:
        db.execute(delete(sessions).where(sessions.c.user_id == user_id))
        _notify(db)


def any_user(db: Connection) -> bool:
    """Return whether any user exists."""
    return db.scalar(select(users.c.id).limit(1)) is not None


def add_session(
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


def find_session(db: Connection, digest: bytes) -> Session | None:
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


def end_session(db: Connection, digest: bytes) -> None:
    """Delete a session, which invalidates its cookie."""
    db.execute(delete(sessions).where(sessions.c.digest == digest))
    _notify(db)


def end_all_sessions(db: Connection) -> None:
    """End all sessions of all users."""
    db.execute(delete(sessions))
    _notify(db)


def end_sessions_of(db: Connection, user_name: str) -> int:
    """Delete all sessions of a user; return their number."""
    found = db.execute(
        delete(sessions).where(
            sessions.c.user_id.in_(select(users.c.id).where(users.c.name == user_name))
        )
    )
    _notify(db)
    return found.rowcount


def add_token(
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


def use_token(db: Connection, digest: bytes) -> Token | None:
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


def revoke_token(db: Connection, name: str) -> bool:
    """Revoke the token with this name; return False if not found."""
    found = db.execute(
        update(tokens)
        .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    _notify(db)
    return found.rowcount > 0


def lock_logins(db: Connection, address: str) -> None:
    """Serialize the counting of logins from an address.

    Other logins from this address wait here until the transaction ends.
    """
    key = func.hashtextextended(f"login from {address}", 0)
    db.execute(select(func.pg_advisory_xact_lock(key)))


def note_failure(db: Connection, user_name: str, address: str) -> None:
    """Record a failed login, and delete those older than a day."""
    db.execute(
        delete(login_failures).where(
            login_failures.c.at < func.now() - timedelta(days=1)
        )
    )
    db.execute(insert(login_failures).values(user_name=user_name, address=address))


def count_failures(
    db: Connection, user_name: str, address: str, window: timedelta
) -> tuple[int, int]:
    """Count recent failed logins from an address: of this user, and of all users."""
    recent = login_failures.c.at > func.now() - window
    here = login_failures.c.address == address
    row = db.execute(
        select(
            func.count().filter(login_failures.c.user_name == user_name),
            func.count(),
        ).where(recent, here)
    ).one()
    return row[0], row[1]


def forget_failures(db: Connection, user_name: str, address: str) -> None:
    """Delete the failed logins of a user from an address after a successful login."""
    db.execute(
        delete(login_failures).where(
            login_failures.c.user_name == user_name,
            login_failures.c.address == address,
        )
    )


def _notify(db: Connection) -> None:
    """Make every web process check its open streams again after the commit."""
    db.execute(select(func.pg_notify(CHANNEL, "")))


def _members() -> Select[Any]:
    good = (
        select(func.count())
        .where(sessions.c.user_id == users.c.id, sessions.c.expires_at > func.now())
        .scalar_subquery()
    )
    c = users.c
    return select(c.id, c.name, c.role, c.created_at, c.disabled_at,
                  good.label("sessions"))  # fmt: skip


def _member(row: Row[Any]) -> Member:
    return Member(row.id, row.name, Role(row.role), row.created_at, row.disabled_at,
                  row.sessions)  # fmt: skip


def _token(row: Row[Any]) -> Token:
    return Token(row.id, row.name, tuple(row.scopes), row.created_at, row.expires_at,
                 row.last_used_at)  # fmt: skip
