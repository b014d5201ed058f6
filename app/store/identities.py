"""Accounts of OpenID providers in PostgreSQL."""

from sqlalchemy import Connection, delete, insert, select

from app.store import access_changes
from app.store.access_tables import identities, provider_sessions, sessions, users
from app.store.users import User, from_row


def find(db: Connection, issuer: str, subject: str) -> User | None:
    """Lock and return the user of a subject."""
    row = db.execute(
        select(users)
        .join_from(identities, users)
        .where(identities.c.issuer == issuer, identities.c.subject == subject)
        .with_for_update(of=users)
    ).one_or_none()
    return None if row is None else from_row(row)


def belongs(db: Connection, issuer: str, subject: str, user_id: int) -> bool:
    """Return whether a subject's account is that of a user."""
    found = select(identities.c.user_id).where(
        identities.c.issuer == issuer,
        identities.c.subject == subject,
        identities.c.user_id == user_id,
    )
    return db.scalar(found) is not None


def add(db: Connection, issuer: str, subject: str, user_id: int) -> None:
    """Insert the account of a subject; raises sqlalchemy's IntegrityError."""
    db.execute(
        insert(identities).values(issuer=issuer, subject=subject, user_id=user_id)
    )


def note_session(db: Connection, digest: bytes, issuer: str, provided: str) -> None:
    """Store which session of a provider belongs to a session."""
    db.execute(
        insert(provider_sessions).values(
            digest=digest, issuer=issuer, provided=provided
        )
    )


def end_sessions(db: Connection, issuer: str, subject: str, provided: str) -> list[str]:
    """End the sessions of a subject, or of a session of the provider.

    Return the names of the users.
    """
    ended = select(sessions.c.digest)
    if provided:
        ended = ended.join(
            provider_sessions, provider_sessions.c.digest == sessions.c.digest
        ).where(
            provider_sessions.c.issuer == issuer,
            provider_sessions.c.provided == provided,
        )
    if subject:
        ended = ended.join(
            identities, identities.c.user_id == sessions.c.user_id
        ).where(identities.c.issuer == issuer, identities.c.subject == subject)
    found = db.execute(
        delete(sessions)
        .where(sessions.c.digest.in_(ended))
        .returning(sessions.c.user_id)
    ).scalars()
    names = (
        select(users.c.name).where(users.c.id.in_(set(found))).order_by(users.c.name)
    )
    access_changes.notify(db)
    return list(db.execute(names).scalars())
