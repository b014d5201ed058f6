"""The facts of a host that are kept: those of an allow-list, with short names.

Facts may contain secrets: the environment, custom facts below `ansible_local`, and what
a collection adds. So only facts that are listed here are read from a result.
"""

from collections.abc import Callable, Mapping
from typing import Any

#: The facts of a host by name; each value can be represented as JSON.
Facts = Mapping[str, Any]

_SETUP = frozenset(
    f"{prefix}{name}"
    for name in ("setup", "gather_facts")
    for prefix in ("", "ansible.builtin.", "ansible.legacy.", "ansible.windows.")
)
#: Maximum length of a text, and of a list of addresses or disks.
MAX_TEXT = 200
MAX_ITEMS = 50
_MAX_NUMBER = 2**53

#: The facts that differ in each run; they have no history.
PASSING = frozenset({"uptime_seconds", "memory_free_mb", "disks_free"})


def read(data: Mapping[str, Any]) -> Facts | None:
    """Return the facts in the data of a result's event; None if it gathered none.

    A fact that was gathered and is empty has the value None.
    """
    if data.get("task_action") not in _SETUP:
        return None
    res = data.get("res")
    gathered = res.get("ansible_facts") if isinstance(res, dict) else None
    if not isinstance(gathered, dict):
        return None
    found: dict[str, Any] = {}
    for name, (sources, convert) in _READ.items():
        if any(source in gathered for source in sources):
            found[name] = convert(*(gathered.get(source) for source in sources))
    return found or None


def merged(known: Facts, gathered: Facts) -> dict[str, Any]:
    """Return the known facts with those that were gathered.

    A run may gather a subset, so facts that it left out are kept.
    """
    both = {**known, **gathered}
    return {name: both[name] for name in _READ if both.get(name) is not None}


def changed(before: Facts, after: Facts) -> list[str]:
    """Return the names of the facts that differ, without those of PASSING."""
    return [
        name
        for name in _READ
        if name not in PASSING and before.get(name) != after.get(name)
    ]


def searched(facts: Facts) -> str:
    """Return the text of the facts that a search looks at, in lower case."""
    names = ("os", "kernel", "fqdn", "hostname", "ipv4", "ipv6")
    texts = [str(facts.get(name) or "") for name in names]
    return " ".join(filter(None, [*texts, *facts.get("addresses", ())])).lower()


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}").strip()[:MAX_TEXT]


def _number(value: object) -> int | None:
    """Return a number of a fact; Windows reports some as texts."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < _MAX_NUMBER else None


def _os(name: object, version: object, release: object) -> str | None:
    codename = _text(release)
    parts = [_text(name), _text(version)]
    if codename and codename not in ("NA", "N/A") and codename not in parts:
        parts.append(f"({codename})")
    return " ".join(filter(None, parts)) or None


def _address(network: object) -> str | None:
    return _text(network.get("address")) if isinstance(network, dict) else None


def _addresses(*lists: object) -> list[str] | None:
    listed = [item for items in lists if isinstance(items, list) for item in items]
    found = (_text(item) for item in listed)
    return sorted({each for each in found if each})[:MAX_ITEMS] or None


def _virtualization(kind: object, role: object) -> str | None:
    name = _text(kind)
    if not name or name == "NA":
        return None
    return f"{name} ({_text(role)})" if _text(role) else name


def _disks(mounts: object) -> dict[str, int] | None:
    """Return the size of each mounted file system in bytes."""
    return _of_mounts(mounts, "size_total")


def _disks_free(mounts: object) -> dict[str, int] | None:
    """Return the free space of each mounted file system in bytes."""
    return _of_mounts(mounts, "size_available")


def _of_mounts(mounts: object, key: str) -> dict[str, int] | None:
    found: dict[str, int] = {}
    for mount in mounts if isinstance(mounts, list) else ():
        if isinstance(mount, dict):
            place, size = _text(mount.get("mount")), _number(mount.get(key))
            if place and size is not None:
                found[place] = size
    return dict(sorted(found.items())[:MAX_ITEMS]) or None


def _flag(*values: object) -> bool | None:
    flags = [value for value in values if isinstance(value, bool)]
    return any(flags) if flags else None


#: How each fact is read: the names that Ansible gives, and a function of their values.
_READ: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
    "os": (
        ("ansible_distribution", "ansible_distribution_version",
         "ansible_distribution_release"),
        _os,
    ),
    "kernel": (("ansible_kernel",), _text),
    "architecture": (("ansible_architecture",), _text),
    "hostname": (("ansible_hostname",), _text),
    "fqdn": (("ansible_fqdn",), _text),
    "ipv4": (("ansible_default_ipv4",), _address),
    "ipv6": (("ansible_default_ipv6",), _address),
    "addresses": (
        ("ansible_all_ipv4_addresses", "ansible_all_ipv6_addresses",
         "ansible_ip_addresses"),
        _addresses,
    ),
    "uptime_seconds": (("ansible_uptime_seconds",), _number),
    "reboot_pending": (("ansible_reboot_pending", "ansible_reboot_required"), _flag),
    "processors": (("ansible_processor_vcpus",), _number),
    "memory_mb": (("ansible_memtotal_mb",), _number),
    "memory_free_mb": (("ansible_memfree_mb",), _number),
    "swap_mb": (("ansible_swaptotal_mb",), _number),
    "disks": (("ansible_mounts",), _disks),
    "disks_free": (("ansible_mounts",), _disks_free),
    "virtualization": (
        ("ansible_virtualization_type", "ansible_virtualization_role"),
        _virtualization,
    ),
    "python": (("ansible_python_version",), _text),
    "service_manager": (("ansible_service_mgr",), _text),
}  # fmt: skip
#: The names of all facts that may be kept, in the order in which they are shown, and
#: the names that Ansible gives to what they are read from.
NAMES = tuple(_READ)
SOURCES = tuple(source for sources, _ in _READ.values() for source in sources)
