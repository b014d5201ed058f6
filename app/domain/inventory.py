"""The hosts of an inventory with their groups, as the callback plugin reports them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Maximum number of hosts that are kept of an inventory, and of groups of a host.
MAX_HOSTS = 20_000
MAX_GROUPS = 100
#: Maximum length of a name: with its project, it is the key of a row.
MAX_NAME = 500


@dataclass(frozen=True, slots=True)
class InventoryHost:
    """A host that an inventory names; `groups` are sorted, without `all`."""

    name: str
    groups: tuple[str, ...] = ()


def read(data: Mapping[str, Any]) -> tuple[InventoryHost, ...]:
    """Return the hosts in the data of a play's start; empty if it has none."""
    listed = data.get("inventory")
    if not isinstance(listed, dict):
        return ()
    hosts = {}
    for name, groups in list(listed.items())[:MAX_HOSTS]:
        if name and isinstance(groups, list):
            host = InventoryHost(_plain(name), _groups(groups))
            hosts[host.name] = host
    return tuple(hosts[name] for name in sorted(hosts))


def _groups(groups: list[Any]) -> tuple[str, ...]:
    texts = {_plain(group) for group in groups if isinstance(group, str) and group}
    return tuple(sorted(texts)[:MAX_GROUPS])


def _plain(name: str) -> str:
    return name[:MAX_NAME].replace("\0", "\N{REPLACEMENT CHARACTER}")
