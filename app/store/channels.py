"""The channels of notifications in PostgreSQL."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.channel import Channel
from app.store.notification_tables import channels
from app.store.service_tables import services


@dataclass(frozen=True, slots=True)
class SealedChannel:
    """A channel with its encrypted URL and secret."""

    channel: Channel
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """A channel to insert or to replace; `sealed` has the encrypted URL and secret."""

    name: str
    scheme: str
    sealed: bytes
    key_id: str
    description: str


def put(db: Connection, new: NewChannel, actor: str, *, replace: bool) -> bool:
    """Insert a channel; return False if it exists and isn't to be replaced."""
    values = {
        "scheme": new.scheme,
        "sealed": new.sealed,
        "key_id": new.key_id,
        "description": new.description,
        "changed_by": actor,
    }
    statement = insert(channels).values(name=new.name, created_by=actor, **values)
    if replace:
        statement = statement.on_conflict_do_update(
            index_elements=[channels.c.name],
            set_={**values, "changed_at": func.now()},
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=[channels.c.name])
    return db.scalar(statement.returning(channels.c.id)) is not None


def describe(db: Connection, name: str, description: str, actor: str) -> bool:
    """Store another description; return False if there is no such channel."""
    changed = {"changed_at": func.now(), "changed_by": actor}
    return _update(db, name, description=description, **changed)


def pause(db: Connection, name: str, actor: str) -> bool:
    """Pause a channel; return False if there is no such channel."""
    return _update(db, name, paused_at=func.now(), paused_by=actor)


def resume(db: Connection, name: str) -> bool:
    """End the pause of a channel; return False if there is no such channel."""
    return _update(db, name, paused_at=None, paused_by="")


def remove(db: Connection, name: str) -> bool:
    """Delete a channel; return False if there is none."""
    return db.execute(delete(channels).where(channels.c.name == name)).rowcount > 0


def list_all(db: Connection) -> list[Channel]:
    """Return the channels, sorted by name."""
    return [_channel(row) for row in db.execute(select(channels).order_by("name"))]


def find(db: Connection, name: str) -> SealedChannel | None:
    """Return a channel."""
    row = db.execute(select(channels).where(channels.c.name == name)).one_or_none()
    return None if row is None else SealedChannel(_channel(row), row.sealed)


def services_by_channel(db: Connection) -> dict[str, list[str]]:
    """Return the sorted names of the services that name a channel, by it.

    Archived services don't count.
    """
    query = select(services.c.name, services.c.config["notify"].label("notify")).where(
        services.c.archived_at.is_(None),
        func.coalesce(services.c.config["notify"].as_string(), "[]") != "[]",
    )
    found: dict[str, list[str]] = {}
    for row in db.execute(query.order_by(services.c.name)):
        for name in dict.fromkeys(rule["to"] for rule in row.notify):
            found.setdefault(name, []).append(row.name)
    return found


def _update(db: Connection, name: str, **values: Any) -> bool:
    changed = update(channels).where(channels.c.name == name).values(**values)
    return db.execute(changed).rowcount > 0


def _channel(row: Row[Any]) -> Channel:
    return Channel(
        name=row.name,
        scheme=row.scheme,
        description=row.description,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
    )
