"""Users in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from app.domain.access import Role
from app.domain.display import Display
from app.store import access_changes
from app.store.access_tables import sessions, users


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


def add(db: Connection, name: str, password_hash: str, role: Role) -> None:
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
    access_changes.notify(db)
    return user_id is not None


def rehash(db: Connection, user_id: int, password_hash: str) -> None:
    """Store a new hash of a user's password; the sessions stay valid."""
    db.execute(
        update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )


def set_display(db: Connection, user_id: int, display: Display) -> None:
    """Store how pages look for a user."""
    db.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(theme=display.theme.value, time_zone=display.time_zone.value)
    )


def find(db: Connection, name: str) -> User | None:
    """Return the user with this name."""
    row = db.execute(select(users).where(users.c.name == name)).one_or_none()
    if row is None:
        return None
    return from_row(row)


def from_row(row: Row[Any]) -> User:
    """Return the user of a row of the table."""
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
    admins = select(users.c.id).where(
        users.c.id != user_id,
        users.c.role == Role.ADMIN.value,
        users.c.disabled_at.is_(None),
    )
    return db.scalar(admins.limit(1)) is not None


def set_role(db: Connection, user_id: int, role: Role) -> None:
    """Change a user's role, also in existing sessions."""
    db.execute(update(users).where(users.c.id == user_id).values(role=role.value))
    access_changes.notify(db)


def set_disabled(db: Connection, user_id: int, *, disabled: bool) -> None:
    """Disable a user and end their sessions, or enable the user again."""
    at = func.now() if disabled else None
    db.execute(update(users).where(users.c.id == user_id).values(disabled_at=at))
    if disabled:
        db.execute(delete(sessions).where(sessions.c.user_id == user_id))
        access_changes.notify(db)


def any_user(db: Connection) -> bool:
    """Return whether any user exists."""
    return db.scalar(select(users.c.id).limit(1)) is not None


def _members() -> Select[Any]:
    valid_sessions = (
        select(func.count())
        .where(sessions.c.user_id == users.c.id, sessions.c.expires_at > func.now())
        .scalar_subquery()
    )
    c = users.c
    return select(c.id, c.name, c.role, c.created_at, c.disabled_at,
                  valid_sessions.label("sessions"))  # fmt: skip


def _member(row: Row[Any]) -> Member:
    return Member(row.id, row.name, Role(row.role), row.created_at, row.disabled_at,
                  row.sessions)  # fmt: skip
