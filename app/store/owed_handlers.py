"""The handlers that deployments owe hosts.

The rows change in the transaction that records the events from which they follow.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from app.domain.deployment import Deployment
from app.domain.events import RunnerEvent
from app.domain.owed_handlers import Changes, OwedHandler, changes
from app.store.deployment_tables import deployments, owed_handlers
from app.store.events import Occurrence
from app.store.host_tables import host_services, hosts

#: Maximum number of rows that a page or an answer lists.
MAX_LISTED = 200
_c = owed_handlers.c
#: The conditions for handlers that haven't run since, and that nobody has dismissed.
_UNSETTLED = (_c.cleared_by.is_(None), _c.dismissed_at.is_(None))
#: The condition for those of ended deployments: the others may still run.
_STILL_OWED = and_(*_UNSETTLED, deployments.c.finished_at.is_not(None))


def record(
    db: Connection, deployment_id: int, last: int, batch: Sequence[Occurrence]
) -> None:
    """Record what the events after number `last` change about notified handlers."""
    numbered = (
        (number, each.event)
        for number, each in enumerate(batch, start=last + 1)
        if isinstance(each.event, RunnerEvent)
        and (each.event.notified or each.event.handler)
    )
    found = changes(numbered)
    if found.done:
        _settle(db, deployment_id, found)
    if found.notified:
        _add(db, deployment_id, found)


def of_deployment(db: Connection, deployment_id: int) -> list[OwedHandler]:
    """Return what an ended deployment still owes, by host; at most MAX_LISTED."""
    return _owed(db, _c.deployment_id == deployment_id)


def of_service(db: Connection, service_id: int) -> list[OwedHandler]:
    """Return what the ended deployments of a service owe; at most MAX_LISTED."""
    return _owed(db, _c.service_id == service_id)


def of_host(db: Connection, host_id: int) -> list[OwedHandler]:
    """Return what ended deployments owe a host; at most MAX_LISTED."""
    s = host_services.c
    of_services = select(s.service_id).where(s.host_id == host_id)
    name = select(hosts.c.name).where(hosts.c.id == host_id).scalar_subquery()
    return _owed(db, (_c.host == name) & _c.service_id.in_(of_services))


def by_host(db: Connection, service_id: int) -> dict[str, list[str]]:
    """Return the names of all handlers that a service owes its hosts, by host."""
    rows = db.execute(
        select(_c.host, _c.handler)
        .join(deployments, deployments.c.id == _c.deployment_id)
        .where(_c.service_id == service_id, _STILL_OWED)
        .order_by(_c.host, _c.deployment_id, _c.number)
    )
    found: dict[str, list[str]] = {}
    for host, handler in rows:
        names = found.setdefault(host, [])
        if handler not in names:
            names.append(handler)
    return found


def dismiss(
    db: Connection, deployment: Deployment, host: str, handler: str, actor: str
) -> bool:
    """Settle a handler that a deployment owes a host; return whether it was owed.

    It is settled for the earlier deployments of the service too, as if it had run.
    """
    found = db.scalar(
        select(_c.host).where(
            _c.deployment_id == deployment.id,
            _c.host == host,
            _c.handler == handler,
            *_UNSETTLED,
        )
    )
    if found is None:
        return False
    db.execute(
        update(owed_handlers)
        .where(
            _c.service_id == deployment.service_id,
            _c.deployment_id <= deployment.id,
            _c.host == host,
            _c.handler == handler,
            *_UNSETTLED,
        )
        .values(dismissed_by=actor, dismissed_at=func.now())
    )
    return True


def _owed(db: Connection, where: ColumnElement[bool]) -> list[OwedHandler]:
    kept = case((deployments.c.pruned_at.is_(None), _c.number))
    rows = db.execute(
        select(_c.deployment_id, _c.host, _c.handler, _c.task, kept)
        .join(deployments, deployments.c.id == _c.deployment_id)
        .where(where, _STILL_OWED)
        .order_by(_c.host, _c.deployment_id, _c.number, _c.handler)
        .limit(MAX_LISTED)
    )
    return [OwedHandler(*row) for row in rows]


def _settle(db: Connection, deployment_id: int, found: Changes) -> None:
    db.execute(
        delete(owed_handlers).where(
            _c.deployment_id == deployment_id, _any_of(found.done)
        )
    )
    if not found.ran:
        return
    service = select(deployments.c.service_id).where(deployments.c.id == deployment_id)
    db.execute(
        update(owed_handlers)
        .where(
            _c.service_id == service.scalar_subquery(),
            _c.deployment_id < deployment_id,
            _c.cleared_by.is_(None),
            _any_of(found.ran),
        )
        .values(cleared_by=deployment_id)
    )


def _any_of(keys: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    """Return the condition for rows of these hosts and handlers; see Changes."""
    for_all = [handler for host, handler in keys if not host]
    pairs = [key for key in keys if key[0]]
    return or_(_c.handler.in_(for_all), tuple_(_c.host, _c.handler).in_(pairs))


def _add(db: Connection, deployment_id: int, found: Changes) -> None:
    service = select(deployments.c.service_id).where(deployments.c.id == deployment_id)
    service_id = db.scalar(service)
    rows = [
        {
            "deployment_id": deployment_id,
            "service_id": service_id,
            "host": host,
            "handler": handler,
            "task": notified.task,
            "number": notified.number,
        }
        for (host, handler), notified in found.notified.items()
    ]
    db.execute(upsert(owed_handlers).on_conflict_do_nothing(), rows)
