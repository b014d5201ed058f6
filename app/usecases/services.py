"""Sync the services folder to the store, and list services."""

from dataclasses import dataclass, field
from pathlib import Path

from app.calendar_files import CalendarFiles
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.credential_names import missing
from app.domain.deployment import Deployment
from app.domain.owed_handlers import OwedHandler
from app.domain.service import Service
from app.errors import NotFound
from app.project_folder import Reach, without_credentials
from app.services_folder import read_all
from app.store import (
    audit,
    deployments,
    nodes,
    owed_handlers,
    services,
    syntax_checks,
)
from app.store.services import Entry, FoundService
from app.store.store import Store
from app.usecases import calendars, run_credentials, schedules
from app.usecases.healthcheck_urls import Box, no_box


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The result of a sync: the names of valid, invalid and newly archived services."""

    valid: tuple[str, ...]
    invalid: dict[str, str]
    archived: tuple[str, ...]
    #: Why a project was not read in its present state, and why a service can't be
    #: launched yet, by their names.
    warnings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service with its latest deployment."""

    entry: Entry
    latest: Deployment | None


def sync_services(
    store: Store,
    folder: Path,
    data: Path,
    node: str,
    actor: Actor,
    run_as: str = "",
    *,
    reach: Reach = without_credentials,
    box: Box = no_box,
) -> SyncResult:
    """Read the services and projects in the services folder of a node into the store.

    `data` is the folder with the mirrors of repositories, which are fetched. If that
    fails, the services are those of the last fetch, with a warning. `run_as` is the
    user of FASTDEPLOY_RUN_AS. `reach` returns with what a repository is fetched.
    `box` returns the encryption of healthcheck URLs.

    An invalid service is stored with its error and doesn't affect the others. A service
    without a folder on any node is archived, and its history is kept. Raises
    NotAllowed, and Invalid if the folder itself can't be read: then nothing changes.
    """
    actor.require(Permission.SYNC)
    found = read_all(folder, data, reach)
    files = CalendarFiles(folder, data)
    contents, calendar_files = calendars.read_files(store, files, found.services)
    with store.begin() as db:
        services.put(
            db,
            [
                FoundService(name, content, "", found.check_keys.get(name, ""))
                if isinstance(content, Service)
                else FoundService(name, None, content)
                for name, content in sorted(contents.items())
            ],
            node=node,
        )
        services.unregister_all_but(db, set(contents), node=node)
        archived = services.settle(db)
        schedules.sync(
            db,
            {n: each for n, each in contents.items() if isinstance(each, Service)},
            box,
        )
        calendars.sync(db, calendar_files)
        syntax_checks.settle(db)
        lacking = {
            name: f"{name} {missing(absent[0])}"
            for name, content in sorted(contents.items())
            if isinstance(content, Service)
            and (absent := run_credentials.absent(db, content, run_as))
        }
    return SyncResult(
        valid=tuple(sorted(n for n, c in contents.items() if isinstance(c, Service))),
        invalid={n: c for n, c in sorted(contents.items()) if isinstance(c, str)},
        archived=tuple(archived),
        warnings=found.warnings | lacking,
    )


def sync_everywhere(
    store: Store,
    folder: Path,
    data: Path,
    node: str,
    actor: Actor,
    run_as: str = "",
    *,
    reach: Reach = without_credentials,
    box: Box = no_box,
) -> SyncResult:
    """Sync this node's services now, and request a sync from every other node."""
    result = sync_services(
        store, folder, data, node, actor, run_as, reach=reach, box=box
    )
    with store.begin() as db:
        nodes.ask_sync(db, but=node)
        audit.note(db, actor, Action.SYNC)
    return result


def list_services(store: Store) -> list[ServiceSummary]:
    """Return the services that are not archived, each with its latest deployment."""
    with store.begin() as db:
        latest = deployments.latest_of_each(db)
        return [ServiceSummary(e, latest.get(e.id)) for e in services.list_all(db)]


def summary_of(store: Store, name: str) -> ServiceSummary:
    """Return a service, archived or not, with its latest deployment; or NotFound."""
    entry = find_service(store, name)
    with store.begin() as db:
        return ServiceSummary(
            entry, deployments.latest_of_each(db, [entry.id]).get(entry.id)
        )


def names(store: Store) -> list[str]:
    """Return the names of all services, archived or not."""
    with store.begin() as db:
        return services.names(db)


def find_service(store: Store, name: str) -> Entry:
    """Return the service with this name, archived or not; raises NotFound."""
    with store.begin() as db:
        entry = services.find(db, name)
    if entry is None:
        raise NotFound(f"there is no service {name!r}")
    return entry


def require_known(store: Store, name: str) -> None:
    """Raise NotFound if there is no service with this name, archived or not."""
    with store.begin() as db:
        if not services.is_known(db, name):
            raise NotFound(f"there is no service {name!r}")


def owed_handlers_of(store: Store, service_id: int) -> list[OwedHandler]:
    """Return the handlers that the ended deployments of a service owe, by host."""
    with store.begin() as db:
        return owed_handlers.of_service(db, service_id)
