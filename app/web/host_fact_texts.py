"""Format the facts of a host for pages and the command line."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from app.domain.host_facts import NAMES, Facts
from app.web.formatting import duration, moment, size

_LABELS = {
    "os": "Operating system",
    "kernel": "Kernel",
    "architecture": "Architecture",
    "hostname": "Hostname",
    "fqdn": "FQDN",
    "ipv4": "IPv4 address",
    "ipv6": "IPv6 address",
    "addresses": "All addresses",
    "uptime_seconds": "Up since",
    "reboot_pending": "Reboot",
    "processors": "Processors",
    "memory_mb": "Memory",
    "swap_mb": "Swap",
    "disks": "Disks",
    "virtualization": "Virtualization",
    "python": "Python",
    "service_manager": "Service manager",
}
_MEBIBYTE = 2**20


def rows(facts: Facts, at: datetime | None) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each known fact that was gathered at a time."""
    for name in NAMES:
        if name in facts and name in _LABELS:
            yield _LABELS[name], _text(name, facts, at)


def changed_rows(before: Facts, after: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield the label of each fact that differs, with its texts before and after."""
    for name in NAMES:
        if name in after and name in _LABELS:
            yield _LABELS[name], _known(name, before), _known(name, after)


def compared_rows(
    names: Iterable[str], a: Facts, b: Facts
) -> Iterator[tuple[str, str, str]]:
    """Yield the label of each fact with these names, with its texts on two hosts."""
    for name in names:
        if name in _LABELS:
            yield _LABELS[name], _known(name, a), _known(name, b)


def _known(name: str, facts: Facts) -> str:
    return _text(name, facts, None) if facts.get(name) is not None else "—"


def _text(name: str, facts: Facts, at: datetime | None) -> str:
    value = facts[name]
    match name:
        case "addresses":
            return ", ".join(value)
        case "reboot_pending":
            return "pending" if value else "not pending"
        case "uptime_seconds":
            return _up_since(value, at)
        case "memory_mb":
            return _with_free(value * _MEBIBYTE, facts.get("memory_free_mb"), _MEBIBYTE)
        case "swap_mb":
            return size(value * _MEBIBYTE)
        case "disks":
            free = facts.get("disks_free") or {}
            return ", ".join(
                f"{place} {_with_free(total, free.get(place))}"
                for place, total in value.items()
            )
    return str(value)


def _up_since(seconds: int, at: datetime | None) -> str:
    if at is None:
        return duration(seconds)
    try:
        return moment(at - timedelta(seconds=seconds))
    except OverflowError:
        return duration(seconds)


def _with_free(total: int, free: int | None, unit: int = 1) -> str:
    return size(total) if free is None else f"{size(total)}, {size(free * unit)} free"
