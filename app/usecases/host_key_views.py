"""The host keys of a project or service as its page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app import services_folder
from app.domain.service import Service
from app.errors import Invalid
from app.runner import ansible_cfg, host_key_settings, host_keys, known_hosts
from app.runner.errors import RunnerError
from app.runner.known_hosts import KnownHostsLine
from app.settings import Settings
from app.store.host_keys import AcceptedKey
from app.store.store import Store
from app.usecases.host_keys import list_keys

#: Maximum number of lines of a known_hosts file that a page shows.
_LISTED = 200


@dataclass(frozen=True, slots=True)
class HostKeysView:
    """The keys that runs trust besides those of their user."""

    scope: str
    accepted: Sequence[AcceptedKey]
    #: The known_hosts in the folder; None if FastDeploy can't read the folder.
    repository: Sequence[KnownHostsLine] | None
    #: The settings that keep Ansible from checking host keys.
    unchecked: Sequence[str]


def look(
    store: Store, settings: Settings, scope: str, service: Service | None = None
) -> HostKeysView:
    """Return the host keys of a project, or of a service outside of projects.

    Args:
        store: The store.
        settings: The settings.
        scope: The name of the project or service.
        service: The service outside of projects.
    """
    accepted = list_keys(store, scope)
    if service is not None and service.registration is not None:
        return HostKeysView(scope, accepted, None, ())
    try:
        root = services_folder.root_of(settings.services / scope, settings.var)
        unchecked = list(_unchecked(root.resolve(), service))
        return HostKeysView(scope, accepted, _listed(root), unchecked)
    except (Invalid, RunnerError, OSError):
        return HostKeysView(scope, accepted, None, ())


def _listed(root: Path) -> list[KnownHostsLine]:
    file = root / host_keys.FILE
    if not file.is_file():
        return []
    with file.open("rb") as opened:
        content = opened.read(known_hosts.MAX_FILE)
    return list(islice(known_hosts.listed(content), _LISTED))


def _unchecked(root: Path, service: Service | None) -> list[str]:
    config = ansible_cfg.read(root, {"HOME": str(Path.home())})
    found = [f"ansible.cfg sets {each}" for each in host_key_settings.in_config(config)]
    if service is not None and service.playbook:
        inventory = root / service.inventory if service.inventory else None
        playbook = root / service.playbook
        found += host_key_settings.in_variables(root, playbook, inventory)
    return found
