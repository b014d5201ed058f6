"""The favourite services of users in PostgreSQL."""

from sqlalchemy import Connection, Text, cast, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from app.store.access_tables import favourites, users
from app.store.service_tables import services


def add(db: Connection, user: str, service: str) -> bool:
    """Make a service a favourite of a user; return False if there is no such service.

    Args:
        db: The transaction.
        user: The name of the user.
        service: The name of the service, without an environment.
    """
    name = services.c.name
    known = select(services.c.id).where(
        or_(name == service, name.startswith(f"{service}@", autoescape=True)),
        services.c.archived_at.is_(None),
    )
    if db.scalar(known.limit(1)) is None:
        return False
    row = select(users.c.id, cast(service, Text)).where(users.c.name == user)
    db.execute(
        insert(favourites)
        .from_select(["user_id", "service"], row)
        .on_conflict_do_nothing()
    )
    return True


def remove(db: Connection, user: str, service: str) -> None:
    """Remove a service from the favourites of a user."""
    of_user = select(users.c.id).where(users.c.name == user)
    db.execute(
        delete(favourites).where(
            favourites.c.user_id.in_(of_user), favourites.c.service == service
        )
    )
