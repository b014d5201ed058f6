"""The accepted host keys in PostgreSQL, and what the events of a run say of others."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.domain import host_key_report
from app.domain.events import EventKind
from app.domain.host_key_report import HostKeyReport
from app.runner.known_hosts import HostKey
from app.store.deployment_tables import events
from app.store.service_tables import host_keys

#: Number of last events to search for reports: the runner writes them at the end.
_LOOK_AT = 300
_UNCHECKED = "unchecked"
_c = host_keys.c


@dataclass(frozen=True, slots=True)
class AcceptedKey:
    """A host key that an actor accepted for a project, or for a service without one."""

    id: int
    scope: str
    key: HostKey
    accepted_by: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedKey:
    """The report of a refused host key in the event with this number."""

    number: int
    report: HostKeyReport


def list_keys(db: Connection, scope: str | None = None) -> list[AcceptedKey]:
    """Return the accepted keys of one scope, or of all, sorted by scope and host."""
    query = select(host_keys).order_by(_c.scope, _c.host, _c.type)
    if scope is not None:
        query = query.where(_c.scope == scope)
    return [_accepted(row) for row in db.execute(query)]


def put(db: Connection, scope: str, key: HostKey, actor: str) -> AcceptedKey | None:
    """Accept a key; return the one of the same host and type that it replaces."""
    same = (_c.scope == scope, _c.host == key.host, _c.type == key.type)
    previous = db.execute(select(host_keys).where(*same).with_for_update()).first()
    values = {"key": key.key, "accepted_by": actor, "accepted_at": func.now()}
    put_row = insert(host_keys).values(
        scope=scope, host=key.host, type=key.type, **values
    )
    db.execute(
        put_row.on_conflict_do_update(
            constraint="uq_host_keys_scope_host_type", set_=values
        )
    )
    return _accepted(previous) if previous else None


def remove(db: Connection, key_id: int) -> AcceptedKey | None:
    """Delete an accepted key and return it; None if there is none with this id."""
    deleted = delete(host_keys).where(_c.id == key_id).returning(*host_keys.c)
    row = db.execute(deleted).first()
    return _accepted(row) if row else None


def refused(db: Connection, deployment_id: int, *, last: int) -> list[RefusedKey]:
    """Return the host keys that ssh refused in a run; `last` is its last event."""
    rows = db.execute(_reports(deployment_id, last).where(events.c.name != _UNCHECKED))
    found = (
        (row.number, host_key_report.parse(orjson.loads(row.data))) for row in rows
    )
    return [RefusedKey(number, report) for number, report in found if report]


def unchecked(db: Connection, deployment_id: int, *, last: int) -> list[str]:
    """Return the settings that kept a run from checking host keys."""
    rows = db.execute(_reports(deployment_id, last).where(events.c.name == _UNCHECKED))
    return [orjson.loads(row.data)["setting"] for row in rows]


def _reports(deployment_id: int, last: int) -> Select[Any]:
    c = events.c
    return (
        select(c.number, c.data)
        .where(
            c.deployment_id == deployment_id,
            c.number > last - _LOOK_AT,
            c.kind == EventKind.HOST_KEY.value,
        )
        .order_by(c.number)
    )


def _accepted(row: Row[Any]) -> AcceptedKey:
    key = HostKey(row.host, row.type, row.key)
    return AcceptedKey(row.id, row.scope, key, row.accepted_by, row.accepted_at)
