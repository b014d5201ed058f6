"""The doctor's diagnosis of this host and its services.

`collect` gathers facts, and the checks evaluate them. The diagnosis covers the host on
which it is called. The web process and the worker may run on other hosts.
"""

from dataclasses import dataclass
from pathlib import Path

from app.config_files import printable
from app.doctor.checks_host import check_host
from app.doctor.checks_service import check_service
from app.doctor.collect import (
    ask_store,
    identity_of,
    look_at_host,
    look_at_service,
    service_folders,
)
from app.doctor.facts import CatalogueEntry
from app.domain.finding import Finding, healthy
from app.domain.service import Service
from app.domain.service_name import split
from app.errors import NotFound
from app.services_folder import read_definitions
from app.settings import Settings
from app.store.store import Store

#: The folder in which the role stores settings, age keys and registrations.
ETC = Path("/etc/fastdeploy")
#: A service that was never synced.
_UNKNOWN = CatalogueEntry(None, "", archived=False, nodes=(), ready=())


@dataclass(frozen=True, slots=True)
class Report:
    """The findings on a host; `host` is the name of its node."""

    host: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether no check found a problem."""
        return healthy(self.findings)


def examine(
    store: Store, settings: Settings, name: str | None = None, etc: Path = ETC
) -> Report:
    """Check this host and one service, or all of its services.

    Raises NotFound if the service has neither a folder nor a row in the database.
    """
    findings, catalogue = ask_store(store, settings)
    known = catalogue or {}
    defined = _definitions(settings, name)
    if name is None:
        chosen = sorted({*defined, *(n for n, k in known.items() if not k.archived)})
    elif name in defined or name in known:
        chosen = [name]
    else:
        raise NotFound(f"there is no service {name!r}")
    read = {n: defined.get(n) for n in chosen}
    identities = {n: identity_of(settings, n, read[n]) for n in chosen}
    usual = (settings.run_as, settings.run_group)
    accounts = {(i.user, i.group) for i in identities.values()} or {usual}
    hosts = {each: look_at_host(settings, *each, etc) for each in sorted(accounts)}
    for seen in hosts.values():
        findings += check_host(seen)
    for each, identity in identities.items():
        # Without the database, checks of the stored service are skipped.
        entry = None if catalogue is None else known.get(each, _UNKNOWN)
        found = look_at_service(settings, each, identity, read[each], entry)
        findings += check_service(hosts[identity.user, identity.group], found)
    # Hosts of several accounts share findings, which are listed once.
    return Report(settings.node, tuple(dict.fromkeys(findings)))


def _definitions(settings: Settings, name: str | None) -> dict[str, Service | str]:
    """Return the services, or the errors in them, that folders on this host define.

    With a name, only those in the folder of this service.
    """
    parts = split(name) if name else None
    wanted = parts.folder if parts else name
    found: dict[str, Service | str] = {}
    for folder in service_folders(settings):
        if wanted is None or printable(folder.name) == wanted:
            found |= read_definitions(folder, settings.data)
    if parts and parts.project in found and str(parts) not in found:
        # The project has one error instead of services.
        found[str(parts)] = found[parts.project]
    return found
