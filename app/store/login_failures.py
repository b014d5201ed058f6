"""Failed logins in PostgreSQL."""

from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, select

from app.store.access_tables import login_failures


def lock_address(db: Connection, address: str) -> None:
    """Serialize the counting of logins from an address.

    Other logins from this address wait here until the transaction ends.
    """
    key = func.hashtextextended(f"login from {address}", 0)
    db.execute(select(func.pg_advisory_xact_lock(key)))


def record(db: Connection, user_name: str, address: str) -> None:
    """Record a failed login, and delete those older than a day."""
    db.execute(
        delete(login_failures).where(
            login_failures.c.at < func.now() - timedelta(days=1)
        )
    )
    db.execute(insert(login_failures).values(user_name=user_name, address=address))


def count(
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


def clear(db: Connection, user_name: str, address: str) -> None:
    """Delete the failed logins of a user from an address after a successful login."""
    db.execute(
        delete(login_failures).where(
            login_failures.c.user_name == user_name,
            login_failures.c.address == address,
        )
    )
