"""What the page of a service shows of the store."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.owed_handlers import OwedHandler
from app.domain.service_name import ServiceName, split
from app.domain.trends import Trend
from app.errors import NotFound
from app.store import nodes, owed_handlers, projects, services
from app.store.services import Entry
from app.store.store import Store
from app.usecases import trends


@dataclass(frozen=True, slots=True)
class ServicePage:
    """A service, archived or not, with what its page says about it."""

    entry: Entry
    #: The nodes on which it can be deployed, sorted by name.
    nodes: Sequence[str]
    #: The handlers that its ended deployments owe, by host.
    owed: Sequence[OwedHandler]
    #: A project's service in each of its environments; empty for another service.
    environments: Sequence[ServiceName]
    trend: Trend


def look(store: Store, name: str) -> ServicePage:
    """Read the page of a service in one transaction. Raises NotFound."""
    with store.begin() as db:
        entry = services.find(db, name)
        if entry is None:
            raise NotFound(f"there is no service {name!r}")
        return ServicePage(
            entry,
            nodes.registered(db, [entry.id])[entry.id],
            owed_handlers.of_service(db, entry.id),
            _environments(db, name),
            trends.of_service(db, entry.id),
        )


def _environments(db: Connection, service: str) -> Sequence[ServiceName]:
    name = split(service)
    if name is None or not name.environment:
        return []
    return projects.beside(db, name)
