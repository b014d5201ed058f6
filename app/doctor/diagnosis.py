"""The doctor's diagnosis of this host and its services.

`collect` gathers facts, the checks judge them. It is about the host where it is called:
web and worker may be on others.
"""

from dataclasses import dataclass
from pathlib import Path

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
from app.errors import NotFound
from app.settings import Settings
from app.store.store import Store
from app.usecases.services import printable, read_config

#: Where the role puts the settings, the age keys, and what was registered.
ETC = Path("/etc/fastdeploy")
#: A service that was never synced.
_UNKNOWN = CatalogueEntry(None, "", archived=False, nodes=(), ready=())


@dataclass(frozen=True, slots=True)
class Report:
    """What was found on a host, called by its node's name."""

    host: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether no check found a problem."""
        return healthy(self.findings)


def examine(
    store: Store, settings: Settings, name: str | None = None, etc: Path = ETC
) -> Report:
    """Check this host and one service, or all that it has.

    Raises NotFound for a service of which there is neither a folder nor an entry.
    """
    paths = {printable(path.name): path for path in service_folders(settings)}
    findings, catalogue = ask_store(store, settings)
    known = catalogue or {}
    if name is None:
        chosen = sorted({*paths, *(n for n, k in known.items() if not k.archived)})
    elif name in paths or name in known:
        chosen = [name]
    else:
        raise NotFound(f"there is no service {name!r}")
    read = {n: read_config(paths[n]) if n in paths else None for n in chosen}
    identities = {n: identity_of(settings, n, read[n]) for n in chosen}
    usual = (settings.run_as, settings.run_group)
    accounts = {(i.user, i.group) for i in identities.values()} or {usual}
    hosts = {each: look_at_host(settings, *each, etc) for each in sorted(accounts)}
    for seen in hosts.values():
        findings += check_host(seen)
    for each, identity in identities.items():
        # Without a catalogue nothing can be said about it.
        entry = None if catalogue is None else known.get(each, _UNKNOWN)
        found = look_at_service(settings, each, identity, read[each], entry)
        findings += check_service(hosts[identity.user, identity.group], found)
    # What several accounts have in common is said once.
    return Report(settings.node, tuple(dict.fromkeys(findings)))
