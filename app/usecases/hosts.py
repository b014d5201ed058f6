"""Hosts as the pages, the API and the command line show them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.owed_handlers import OwedHandler
from app.errors import Conflict, NotFound
from app.store import host_search, hosts, owed_handlers
from app.store.host_search import HostFilter
from app.store.hosts import FactChange, Host
from app.store.store import Store

#: The number of hosts on a page.
PAGE = 50


@dataclass(frozen=True, slots=True)
class HostPage:
    """A page of the hosts that match; `number` is counted from 1, up to `last`."""

    hosts: Sequence[Host]
    matching: int
    number: int
    last: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters of hosts can be chosen from."""

    projects: Sequence[str]
    services: Sequence[str]
    environments: Sequence[str]
    groups: Sequence[str]


@dataclass(frozen=True, slots=True)
class HostView:
    """A host with what deployments owe it, and how its facts changed, newest first."""

    host: Host
    owed: Sequence[OwedHandler]
    fact_changes: Sequence[FactChange]


def page(store: Store, wanted: HostFilter, number: int = 1) -> HostPage:
    """Return a page of the hosts that match; the last one if there are fewer."""
    with store.begin() as db:
        number = max(number, 1)
        matching, found = host_search.page(
            db, wanted, skip=(number - 1) * PAGE, limit=PAGE
        )
        last = max(-(-matching // PAGE), 1)
        if number > last:
            number = last
            _, found = host_search.page(db, wanted, skip=(last - 1) * PAGE, limit=PAGE)
    return HostPage(found, matching, number, last)


def choices(store: Store) -> Choices:
    """Return what the filters of hosts can be chosen from."""
    with store.begin() as db:
        names = hosts.service_names(db)
        groups = hosts.groups(db)
    projects = sorted({name.partition("/")[0] for name in names})
    environments = sorted({name.partition("@")[2] for name in names} - {""})
    return Choices(projects, names, environments, groups)


def scopes_of(store: Store, name: str) -> list[str]:
    """Return the projects that have a host with this name; raises NotFound."""
    with store.begin() as db:
        found = [host.scope for host in hosts.find(db, name)]
    if not found:
        raise NotFound(_unknown(name))
    return found


def find(store: Store, name: str, project: str = "") -> HostView:
    """Return a host by its name, and by its project if several have such a host.

    `project` is the name of the service for a service outside of projects.

    Raises:
        NotFound: There is no such host.
        Conflict: Several projects have a host with this name, and none was named.
    """
    with store.begin() as db:
        found = hosts.find(db, name, project)
        if not found:
            raise NotFound(_unknown(name, project))
        if len(found) > 1:
            names = ", ".join(host.scope for host in found)
            raise Conflict(f"several projects have a host {name}; choose one: {names}")
        host = found[0]
        owed = owed_handlers.of_host(db, host.id)
        return HostView(host, owed, hosts.fact_changes(db, host.id))


def _unknown(name: str, project: str = "") -> str:
    of_project = f" of {project}" if project else ""
    return (
        f"there is no host {name!r}{of_project}; look for its name in the list of hosts"
    )
