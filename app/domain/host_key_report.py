"""What a run reports about the host keys that ssh refused, and about its settings.

The runner writes these objects into the journal. Everything in them comes from hosts
and repositories, so a report with anything unexpected is recorded as output instead.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from app.runner import known_hosts
from app.runner.known_hosts import HostKey

#: Maximum characters of a text in a report.
_MAX_TEXT = 500
#: Maximum number of host names in a report, and of hosts.
_MAX_NAMES, _MAX_COUNT = 20, 1_000_000
_FINGERPRINT_LENGTH = 50


class Problem(StrEnum):
    """Why ssh refused a host key; the values are stored in the database."""

    #: No key of the host is known.
    UNKNOWN = "unknown"
    #: Another key of the host is known.
    CHANGED = "changed"
    #: The key is marked as revoked.
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class HostKeyReport:
    """A host key that ssh refused; `key` is None if the runner doesn't know it."""

    problem: Problem
    #: The name in known_hosts files; empty if unknown.
    name: str
    #: Some of the inventory's hosts that have this key, of `count`.
    hosts: tuple[str, ...]
    count: int
    key: HostKey | None
    #: The fingerprint of the known key; empty if there is none.
    previous: str
    #: The file and line of the known key, unless an administrator accepted it.
    previous_place: str

    @property
    def title(self) -> str:
        """The hosts in short: `web1`, or `web1 and 2 more`."""
        more = f" and {self.count - 1} more" if self.count > 1 else ""
        return f"{self.hosts[0]}{more}"

    def __str__(self) -> str:
        """Return the report as a sentence."""
        about = f" ({self.key.label})" if self.key else ""
        if self.problem is Problem.REVOKED:
            return (
                f"{self.title} presented a host key that is marked as revoked: don't "
                "connect to it before its administrator has replaced the key"
            )
        if not self.name:
            return (
                f"ssh refused a host key on the way to {self.title}, such as that of a "
                "jump host: add it to ~/.ssh/known_hosts of the user of the run"
            )
        if self.problem is Problem.CHANGED:
            was = f", it was {self.previous}" if self.previous else ""
            said = f"the host key of {self.title} has CHANGED{about}{was}: find out why"
        else:
            said = f"{self.title} presented a host key that FastDeploy doesn't know"
            said += f"{about}: compare it"
        if self.key:
            return f"{said}, and accept it on the deployment's page"
        return f"{said}, and add the key with `fastdeploy host-key add`"

    def as_json(self) -> dict[str, Any]:
        """Return the stored form, which `parse` accepts."""
        key = {"type": self.key.type, "key": self.key.key} if self.key else {}
        fields = asdict(self) | {"type": "", "key": ""} | key
        return fields | {"hosts": list(self.hosts)}


def parse(found: object) -> HostKeyReport | None:
    """Return the report in an object of the journal; None if anything is invalid."""
    if not isinstance(found, dict):
        return None
    texts = [found.get(key) for key in ("name", "type", "key", "previous",
                                        "previous_place", "problem")]  # fmt: skip
    hosts, count = _hosts(found.get("hosts")), found.get("count")
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        return None
    name, type_, key, previous, place, problem = (str(text) for text in texts)
    if (
        problem not in set(Problem)
        or len(name) > _MAX_TEXT
        or len(place) > _MAX_TEXT
        or len(previous) > _FINGERPRINT_LENGTH
        or type(count) is not int
        or not 0 < count <= _MAX_COUNT
        or not hosts
    ):
        return None
    try:
        made = known_hosts.make(name, type_, key) if key else None
    except ValueError:
        return None
    return HostKeyReport(Problem(problem), name, hosts, count, made, previous, place)


def summarize(reports: Sequence[HostKeyReport]) -> str:
    """Return the reason of a run that failed because of these; empty without any.

    A changed key is named before unknown ones.
    """
    urgent = [each for each in reports if each.problem is not Problem.UNKNOWN]
    ordered = urgent + [each for each in reports if each.problem is Problem.UNKNOWN]
    if not ordered:
        return ""
    others = len(ordered) - 1
    more = f"; {others} more host key{'s' if others > 1 else ''} refused"
    return f"{ordered[0]}{more if others else ''}"


def _hosts(found: object) -> tuple[str, ...]:
    """Return the names in a list; empty if anything in it is invalid."""
    if not isinstance(found, list) or len(found) > _MAX_NAMES:
        return ()
    are_names = all(
        isinstance(host, str) and 0 < len(host) <= _MAX_TEXT and host.isprintable()
        for host in found
    )
    return tuple(found) if are_names else ()
