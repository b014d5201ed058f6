"""Sync the services folder to the store, and read services."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from app import project
from app.domain import config_json
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.deployment import Deployment
from app.domain.project import Project
from app.domain.project_checks import check_project
from app.domain.service import NAME, Service
from app.errors import Invalid, NotFound
from app.store import audit, deployments, nodes, services
from app.store.services import Entry
from app.store.store import Store

#: Maximum number of bytes that are read of a config.json.
MAX_CONFIG = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The result of a sync: the names of valid, invalid and newly archived services."""

    valid: tuple[str, ...]
    invalid: dict[str, str]
    archived: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service with its latest deployment."""

    entry: Entry
    latest: Deployment | None


def sync_services(store: Store, folder: Path, node: str, actor: Actor) -> SyncResult:
    """Read every `<folder>/<name>/config.json` of a node into the store.

    An invalid service is stored with its error and doesn't affect the others. A service
    without a folder on any node is archived, and its history is kept. Raises
    NotAllowed, and Invalid if the folder itself can't be read: then nothing changes.
    """
    actor.require(Permission.SYNC)
    contents = {printable(path.name): read_service(path) for path in folders(folder)}
    with store.begin() as db:
        for name, content in sorted(contents.items()):
            if isinstance(content, Service):
                services.put(db, name, content, "", node=node)
            else:
                services.put(db, name, None, content, node=node)
        services.unregister_all_but(db, set(contents), node=node)
        archived = services.settle(db)
    return SyncResult(
        valid=tuple(sorted(n for n, c in contents.items() if isinstance(c, Service))),
        invalid={n: c for n, c in sorted(contents.items()) if isinstance(c, str)},
        archived=tuple(archived),
    )


def sync_everywhere(store: Store, folder: Path, node: str, actor: Actor) -> SyncResult:
    """Sync this node's services now, and request a sync from every other node."""
    result = sync_services(store, folder, node, actor)
    with store.begin() as db:
        nodes.ask_sync(db, but=node)
        audit.note(db, actor, Action.SYNC)
    return result


def list_services(store: Store) -> list[ServiceSummary]:
    """Return the services that are not archived, each with its latest deployment."""
    with store.begin() as db:
        latest = deployments.latest_of_each(db)
        return [ServiceSummary(e, latest.get(e.id)) for e in services.list_all(db)]


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


def nodes_of(store: Store, service_id: int) -> list[str]:
    """Return the nodes on which a service can be deployed, sorted by name."""
    with store.begin() as db:
        return nodes.registered(db, [service_id])[service_id]


def folders(folder: Path) -> list[Path]:
    """Return the folders of services, valid or not.

    Raises Invalid if the services folder can't be read.
    """
    try:
        return [
            path
            for path in sorted(folder.iterdir())
            if not path.name.startswith((".", "_")) and path.is_dir()
        ]
    except OSError as error:
        raise Invalid(
            f"the services folder {folder} can't be read ({error.strerror}); "
            "set FASTDEPLOY_SERVICES to the folder that holds the services"
        ) from None


def printable(name: str) -> str:
    """Return a folder's name as valid UTF-8; any other name is invalid anyway."""
    return os.fsencode(name).decode(errors="replace")


def read_service(folder: Path) -> Service | str:
    """Return the service in a folder, or all problems that prevent its deployment."""
    service = read_config(folder)
    if isinstance(service, str):
        return service
    problems = check_project(service, look_at_project(folder, service))
    return " ".join(problem.message for problem in problems) or service


def look_at_project(folder: Path, service: Service) -> Project:
    """Inspect the project in the services folder.

    A registered service runs from another folder. The services folder has a copy of
    only the files that config.json names, so Ansible's requirements aren't checked.
    """
    ansible = None if service.registration else project.own_ansible()
    return project.look(folder, service, ansible)


def read_config(folder: Path) -> Service | str:
    """Return the service in a folder's config.json, or the error in it."""
    if not re.match(NAME, folder.name):
        return "the folder's name must be lower case letters, digits, - and _"
    return read_config_file(folder / "config.json")


def read_config_file(path: Path) -> Service | str:
    """Return the service in a file in its folder, or the error in it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Opening a named pipe would block until another process writes to it.
            return "config.json can't be read: it is not a file"
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG + 1)
    except OSError as error:
        return f"config.json can't be read: {error.strerror}"
    return parse_config(content, path.absolute().parent.name)


def parse_config(content: bytes, folder: str | None = None) -> Service | str:
    """Return the service in the content of a config.json, or the error in it."""
    if len(content) > MAX_CONFIG:
        return f"config.json is larger than {MAX_CONFIG} bytes"
    try:
        return config_json.parse(content, folder)
    except Invalid as error:
        return str(error)
