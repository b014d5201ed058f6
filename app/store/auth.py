"""Users, sessions, tokens and failed logins in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from app.domain.access import Role
from app.store.tables import login_failures, sessions, tokens, users

#: PostgreSQL's channel for: a session, a token or a role was taken away.
CHANNEL = "fastdeploy_access"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can log in."""

    id: int
    name: str
    password_hash: str
    role: Role
    disabled: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A user as the others see them; `sessions` are those that are still good."""

    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    sessions: int


@dataclass(frozen=True, slots=True)
class Session:
    """A login that is still good."""

    user_name: str
    role: Role
    csrf_token: str


@dataclass(frozen=True, slots=True)
class Token:
    """A key for the API."""

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
    """Replace a password and end the user's sessions; False if there is no user."""
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
    """Keep the same password in a newer kind of hash; sessions stay."""
    db.execute(
        update(users).where(users.c.id == user_id).values(password_hash=password_hash)
    )


def find_user(db: Connection, name: str) -> User | None:
    """The user of that name."""
    row = db.execute(select(users).where(users.c.name == name)).one_or_none()
    if row is None:
        return None
    return User(row.id, row.name, row.password_hash, Role(row.role),
                row.disabled_at is not None)  # fmt: skip


def list_members(db: Connection) -> list[Member]:
    """Every user, by name."""
    return [_member(row) for row in db.execute(_members().order_by(users.c.name))]


def lock_member(db: Connection, user_id: int) -> Member | None:
    """The user of that number; changes of users wait until the transaction ends."""
    # All of them: whether an admin is left is about the others too.
    db.execute(select(users.c.id).order_by(users.c.id).with_for_update())
    row = db.execute(_members().where(users.c.id == user_id)).one_or_none()
    return None if row is None else _member(row)


def find_member(db: Connection, user_id: int) -> Member | None:
    """The user of that number."""
    row = db.execute(_members().where(users.c.id == user_id)).one_or_none()
    return None if row is None else _member(row)


def other_admin(db: Connection, user_id: int) -> bool:
    """Whether another user than this one is an admin who can log in."""
    found = select(users.c.id).where(
        users.c.id != user_id,
        users.c.role == Role.ADMIN.value,
        users.c.disabled_at.is_(None),
    )
    return db.scalar(found.limit(1)) is not None


def set_role(db: Connection, user_id: int, role: Role) -> None:
    """Give a user another role; their sessions have it at once."""
    db.execute(update(users).where(users.c.id == user_id).values(role=role.value))
    _notify(db)


def set_disabled(db: Connection, user_id: int, *, disabled: bool) -> None:
    """Shut a user out and end their sessions, or let them in again."""
    at = func.now() if disabled else None
    db.execute(update(users).where(users.c.id == user_id).values(disabled_at=at))
    if disabled:
        db.execute(delete(sessions).where(sessions.c.user_id == user_id))
        _notify(db)


def any_user(db: Connection) -> bool:
    """Whether there is a user at all."""
    return db.scalar(select(users.c.id).limit(1)) is not None


def add_session(
    db: Connection, digest: bytes, user_id: int, csrf_token: str, lifetime: timedelta
) -> None:
    """Insert a session, and drop those that have ended."""
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
    """The session with that digest, if it and its user are still good."""
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
    """Delete the session: its cookie is worth nothing from now on."""
    db.execute(delete(sessions).where(sessions.c.digest == digest))
    _notify(db)


def end_all_sessions(db: Connection) -> None:
    """End every session of everybody."""
    db.execute(delete(sessions))
    _notify(db)


def end_sessions_of(db: Connection, user_name: str) -> int:
    """Delete every session of a user; returns how many there were."""
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
    """Insert a token; raises IntegrityError if one of that name is still good."""
    db.execute(
        insert(tokens).values(
            name=name, digest=digest, scopes=scopes, expires_at=expires_at
        )
    )


def use_token(db: Connection, digest: bytes) -> Token | None:
    """The token with that digest, if it is still good; notes that it was used."""
    row = db.execute(
        select(tokens).where(
            tokens.c.digest == digest,
            tokens.c.revoked_at.is_(None),
            tokens.c.expires_at.is_(None) | (tokens.c.expires_at > func.now()),
        )
    ).one_or_none()
    if row is None:
        return None
    # Once a minute is exact enough, and keeps a busy token from being a hot row.
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
    """The tokens that were not revoked, by name."""
    rows = db.execute(
        select(tokens).where(tokens.c.revoked_at.is_(None)).order_by(tokens.c.name)
    )
    return [_token(row) for row in rows]


def revoke_token(db: Connection, name: str) -> bool:
    """End the token of that name; False if there is none."""
    found = db.execute(
        update(tokens)
        .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
    _notify(db)
    return found.rowcount > 0


def lock_logins(db: Connection, address: str) -> None:
    """Let the logins from an address be counted one after the other.

    Until the transaction ends, every other login from this address waits here.
    """
    key = func.hashtextextended(f"login from {address}", 0)
    db.execute(select(func.pg_advisory_xact_lock(key)))


def note_failure(db: Connection, user_name: str, address: str) -> None:
    """Count a login as failed, and forget those of yesterday."""
    db.execute(
        delete(login_failures).where(
            login_failures.c.at < func.now() - timedelta(days=1)
        )
    )
    db.execute(insert(login_failures).values(user_name=user_name, address=address))


def count_failures(
    db: Connection, user_name: str, address: str, window: timedelta
) -> tuple[int, int]:
    """How many logins failed of late from an address: of this user, and of all."""
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
    """Forget the failed logins of a user who has now logged in."""
    db.execute(
        delete(login_failures).where(
            login_failures.c.user_name == user_name,
            login_failures.c.address == address,
        )
    )


def _notify(db: Connection) -> None:
    """Let every web process check, after the commit, who still may watch."""
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
