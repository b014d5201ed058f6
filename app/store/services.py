"""The catalogue of services in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.service import Service
from app.store.tables import services


@dataclass(frozen=True, slots=True)
class Entry:
    """A service as the catalogue has it.

    `service` is its last good config.json, None if there never was one; `error` says
    what is wrong with the present one.
    """

    id: int
    name: str
    service: Service | None
    error: str
    synced_at: datetime
    archived_at: datetime | None


def put(db: Connection, name: str, service: Service | None, error: str) -> None:
    """Insert or update a service found on disk; a broken one keeps its last config."""
    config = None if service is None else service.model_dump(mode="json")
    statement = insert(services).values(name=name, config=config, error=error)
    changed: dict[str, Any] = {
        "error": error,
        "synced_at": func.now(),
        "archived_at": None,
    }
    if service is not None:
        changed["config"] = config
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


def archive_all_but(db: Connection, names: set[str]) -> list[str]:
    """Archive the services that are not among `names`; returns which were."""
    rows = db.execute(
        update(services)
        .where(services.c.name.not_in(names), services.c.archived_at.is_(None))
        .values(archived_at=func.now())
        .returning(services.c.name)
    )
    return sorted(row.name for row in rows)


def find(db: Connection, name: str) -> Entry | None:
    """The service of that name, archived or not."""
    if "\0" in name:
        # PostgreSQL has no text with a NUL, and refuses to look for one.
        return None
    row = db.execute(select(services).where(services.c.name == name)).one_or_none()
    return None if row is None else _entry(row)


def lock(db: Connection, service_id: int) -> None:
    """Make others that lock the service wait until the transaction ends."""
    db.execute(
        select(services.c.id)
        .where(services.c.id == service_id)
        .with_for_update(key_share=True)
    )


def list_all(db: Connection, *, archived: bool = False) -> list[Entry]:
    """The services that are on disk, by name; with `archived`, the others instead."""
    gone = services.c.archived_at.is_not(None)
    rows = db.execute(
        select(services).where(gone if archived else ~gone).order_by(services.c.name)
    )
    return [_entry(row) for row in rows]


def list_everything(db: Connection) -> list[Entry]:
    """Every service, archived or not, by name."""
    return [
        _entry(row) for row in db.execute(select(services).order_by(services.c.name))
    ]


def _entry(row: Row[Any]) -> Entry:
    service = None if row.config is None else Service.model_validate(row.config)
    return Entry(row.id, row.name, service, row.error, row.synced_at, row.archived_at)
