"""The services in PostgreSQL."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Row,
    Text,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from app.domain.service import Service
from app.domain.service_name import file_of
from app.store import service_json
from app.store.searching import can_be_found
from app.store.service_tables import registrations, schedules, services

#: The query of the services as stored.
_SERVICES = select(*service_json.columns(services))


@dataclass(frozen=True, slots=True)
class Entry:
    """A service as stored.

    `service` is its last valid definition, None if there never was one; `error`
    describes the error in the current one. `warning` says why Ansible can't load its
    playbook; empty if it can, or if that isn't known.
    """

    id: int
    name: str
    service: Service | None
    error: str
    synced_at: datetime
    archived_at: datetime | None
    warning: str = ""

    @property
    def file(self) -> str:
        """The name of the file that defines it."""
        return file_of(self.name)


@dataclass(frozen=True, slots=True)
class Outline:
    """The name of a service, the error and the warning, without its config."""

    id: int
    name: str
    error: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class FoundService:
    """A service as a sync found it on a node: valid, or with the error in it."""

    name: str
    service: Service | None
    error: str = ""
    #: Identifies the syntax check of its playbook; empty if there is none.
    check_key: str = ""

    @property
    def config(self) -> str | None:
        """The service as JSON."""
        return None if self.service is None else self.service.model_dump_json()

    @property
    def labels(self) -> Sequence[str]:
        """The labels of the service."""
        return () if self.service is None else self.service.labels


def put(db: Connection, found: Sequence[FoundService], *, node: str) -> None:
    """Register services on a node; an invalid one keeps its last valid config.

    Two statements write all of them, since a project may have thousands. Each name may
    occur once.
    """
    rows = func.unnest(
        cast([each.name for each in found], ARRAY(Text)),
        cast([each.config for each in found], ARRAY(Text)),
        cast([each.error for each in found], ARRAY(Text)),
        cast([each.check_key for each in found], ARRAY(Text)),
        cast([json.dumps(each.labels) for each in found], ARRAY(Text)),
    ).table_valued(
        column("name", Text), column("config", Text), column("error", Text),
        column("check_key", Text), column("labels", Text),
    ).render_derived()  # fmt: skip
    label = func.json_array_elements_text(cast(rows.c.labels, JSON))
    labels = func.array(select(label.column_valued()).scalar_subquery())
    statement = insert(services).from_select(
        ["name", "config", "labels"],
        select(rows.c.name, cast(rows.c.config, JSON), labels),
    )
    valid = statement.excluded.config.is_not(None)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "synced_at": func.now(),
                "archived_at": None,
                "config": func.coalesce(statement.excluded.config, services.c.config),
                "labels": case(
                    (valid, statement.excluded.labels), else_=services.c.labels
                ),
            },
        )
    )
    registration = insert(registrations).from_select(
        ["service_id", "node", "error", "check_key"],
        select(services.c.id, cast(node, Text), rows.c.error, rows.c.check_key).join(
            rows, rows.c.name == services.c.name
        ),
    )
    db.execute(
        registration.on_conflict_do_update(
            index_elements=["service_id", "node"],
            set_={
                "error": registration.excluded.error,
                "check_key": registration.excluded.check_key,
                "synced_at": func.now(),
            },
        )
    )


def unregister_all_but(db: Connection, names: set[str], *, node: str) -> None:
    """Delete a node's registrations of all services except these."""
    elsewhere = select(services.c.id).where(services.c.name.not_in(names))
    db.execute(
        delete(registrations).where(
            registrations.c.node == node, registrations.c.service_id.in_(elsewhere)
        )
    )


def unregister_project(db: Connection, project: str, *, node: str) -> None:
    """Delete a node's registrations of a project: of its services, and of an error."""
    of_project = select(services.c.id).where(
        (services.c.name == project)
        | services.c.name.startswith(f"{project}/", autoescape=True)
    )
    db.execute(
        delete(registrations).where(
            registrations.c.node == node, registrations.c.service_id.in_(of_project)
        )
    )


def settle(db: Connection) -> list[str]:
    """Update the error and the archived state of services from their registrations.

    A service has no error if it is valid on any node. A service without registrations
    is archived, and its schedules are deleted. Returns the names of the newly archived
    services.
    """
    of_service = registrations.c.service_id == services.c.id
    well = exists().where(of_service, registrations.c.error == "")
    latest = (
        select(registrations.c.error)
        .where(of_service)
        .order_by(registrations.c.synced_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    error = case((well, ""), else_=func.coalesce(latest, ""))
    # Most rows are unchanged: a row is only updated if its error differs.
    db.execute(update(services).where(services.c.error != error).values(error=error))
    rows = db.execute(
        update(services)
        .where(~exists().where(of_service), services.c.archived_at.is_(None))
        .values(archived_at=func.now())
        .returning(services.c.id, services.c.name)
    ).all()
    if gone := [row.id for row in rows]:
        db.execute(delete(schedules).where(schedules.c.service_id.in_(gone)))
    return sorted(row.name for row in rows)


def find(db: Connection, name: str) -> Entry | None:
    """Return the service with this name, archived or not."""
    if not can_be_found(name):
        return None
    row = db.execute(_SERVICES.where(services.c.name == name)).one_or_none()
    return None if row is None else _entry(row)


def is_known(db: Connection, name: str) -> bool:
    """Return whether there is a service with this name, archived or not."""
    if not can_be_found(name):
        return False
    return db.scalar(select(services.c.id).where(services.c.name == name)) is not None


def lock(db: Connection, service_id: int) -> None:
    """Lock a service until the transaction ends."""
    db.execute(
        select(services.c.id)
        .where(services.c.id == service_id)
        .with_for_update(key_share=True)
    )


def list_all(db: Connection, *, archived: bool = False) -> list[Entry]:
    """Return the active services, or the archived ones instead, sorted by name."""
    gone = services.c.archived_at.is_not(None)
    rows = db.execute(
        _SERVICES.where(gone if archived else ~gone).order_by(services.c.name)
    )
    return [_entry(row) for row in rows]


def outlines(db: Connection) -> list[Outline]:
    """Return the outlines of the active services, sorted by name."""
    c = services.c
    rows = db.execute(
        select(c.id, c.name, c.error, c.warning)
        .where(c.archived_at.is_(None))
        .order_by(c.name)
    )
    return [Outline(row.id, row.name, row.error, row.warning) for row in rows]


def find_all(db: Connection, ids: Collection[int]) -> list[Entry]:
    """Return the services with these ids, sorted by name."""
    rows = db.execute(_SERVICES.where(services.c.id.in_(ids)).order_by(services.c.name))
    return [_entry(row) for row in rows]


def list_everything(db: Connection) -> list[Entry]:
    """Return all services, archived or not, sorted by name."""
    return [_entry(row) for row in db.execute(_SERVICES.order_by(services.c.name))]


def names_by_credential(db: Connection) -> dict[str, list[str]]:
    """Return the sorted names of the services that declare a credential, by it.

    Archived services don't count.
    """
    query = select(services.c.name, services.c.config).where(
        services.c.archived_at.is_(None),
        services.c.config["credentials"].as_string() != "[]",
    )
    found: dict[str, list[str]] = {}
    for row in db.execute(query.order_by(services.c.name)):
        for reference in row.config["credentials"]:
            found.setdefault(reference, []).append(row.name)
    return found


def names(db: Connection) -> list[str]:
    """Return the sorted names of all services, archived or not."""
    return list(db.scalars(select(services.c.name).order_by(services.c.name)))


def _entry(row: Row[Any]) -> Entry:
    service = None if row.config is None else service_json.parse(row.config)
    return Entry(
        row.id, row.name, service, row.error, row.synced_at, row.archived_at,
        row.warning,
    )  # fmt: skip
