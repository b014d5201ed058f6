"""Find the host keys that ssh refused in a run, from its events.

With pipelining, Ansible may fail to write to an ssh that has exited already, and then
doesn't report what ssh printed. So a key that the host presented is looked up, too.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import known_hosts
from .host_keys import HostKeys
from .known_hosts import HostKey

#: The kinds of a refusal.
UNKNOWN, CHANGED, REVOKED = "unknown", "changed", "revoked"
#: Maximum numbers of reports of a run, and of hosts that a report names.
MAX_REPORTS, MAX_HOSTS = 50, 20

_SECONDS = 10
#: The last line of ssh for every host key that it refuses.
_REFUSED = "Host key verification failed."
#: Ansible's message if ssh exited before its input was written.
_NOT_SENT = re.compile(r"Data could not be sent to remote host [\"']([^\"']+)[\"']")
#: ssh's sentence with the name of the host in known_hosts files.
_SENTENCES = (
    (re.compile(r"No \S+ host key is known for (\S+) and you have"), UNKNOWN),
    (re.compile(r"Host key for (\S+) has changed and you have"), CHANGED),
    (re.compile(r"\S+ host key for (\S+) was revoked and you have"), REVOKED),
)
_OFFENDING = re.compile(
    r"Offending \S+ key in ([^\r\n]+):([0-9]{1,9})\r?$", re.MULTILINE
)
#: The line of `ssh-keygen -F` before each line that it found.
_FOUND = re.compile(r"# Host .* found: line ([0-9]{1,9})\b")


@dataclass(frozen=True)
class _Refusal:
    problem: str
    #: The name in known_hosts files; empty if ssh's message doesn't have it.
    name: str
    #: The path and the line of the key that the host had.
    offending: tuple[str, int] | None = None
    #: The inventory's hosts, as the keys of a dictionary to keep their order.
    hosts: dict[str, None] = field(default_factory=dict)


class Refusals:
    """Collects the refusals that the events of a run report."""

    def __init__(self, keys: HostKeys) -> None:
        self._keys = keys
        self._refusals: dict[str, _Refusal] = {}
        #: The inventory's hosts whose ssh exited early, by address.
        self._silent: dict[str, dict[str, None]] = {}

    def see(self, line: bytes) -> None:
        """Remember a refusal if a line of the journal is an event that reports one."""
        if b"runner_on_unreachable" not in line or not line.startswith(b"{"):
            return
        try:
            event = json.loads(line)
            data = event["event_data"]
            host, message = str(data["host"]), str(data["res"]["msg"])
        except (ValueError, RecursionError, LookupError, TypeError):
            return
        if event.get("event") != "runner_on_unreachable":
            return
        if _REFUSED in message:
            self._add(_refusal(message), {host: None})
        elif (found := _NOT_SENT.search(message)) and len(self._silent) < MAX_REPORTS:
            self._silent.setdefault(found[1], {})[host] = None

    def reports(self) -> Iterator[dict[str, Any]]:
        """Yield an object for each refused key, to be written into the journal."""
        if not self._refusals and not self._silent:
            return
        presented = self._read_presented()
        for name, key in presented.items():
            hosts = self._silent.get(name) or self._silent.get(_address(name))
            if hosts and (found := self._look_up(key)):
                self._add(found, hosts)
        for refusal in self._refusals.values():
            is_offered = refusal.problem != REVOKED
            yield self._report(
                refusal, presented.get(refusal.name) if is_offered else None
            )

    def _add(self, refusal: _Refusal, hosts: dict[str, None]) -> None:
        key = refusal.name or next(iter(hosts))
        if key in self._refusals or len(self._refusals) < MAX_REPORTS:
            self._refusals.setdefault(key, refusal).hosts.update(hosts)

    def _report(self, refusal: _Refusal, key: HostKey | None) -> dict[str, Any]:
        previous, place = self._previous(refusal)
        return {
            "problem": refusal.problem,
            "name": refusal.name,
            "hosts": list(refusal.hosts)[:MAX_HOSTS],
            "count": len(refusal.hosts),
            "type": key.type if key else "",
            "key": key.key if key else "",
            "previous": previous,
            "previous_place": place,
        }

    def _read_presented(self) -> dict[str, HostKey]:
        """Return the last key that each host presented, by its name."""
        return {key.host: key for key in self._keys.recorder.presented()}

    def _look_up(self, key: HostKey) -> _Refusal | None:
        """Return why ssh refused a key; None if it is known."""
        offending = None
        for path in self._keys.files:
            for number, marker, words in _entries(key.host, path):
                if words[1:3] == [key.type, key.key]:
                    return _Refusal(REVOKED, key.host) if marker else None
                if words[1:2] == [key.type] and not marker:
                    offending = offending or (path, number)
        return _Refusal(CHANGED if offending else UNKNOWN, key.host, offending)

    def _previous(self, refusal: _Refusal) -> tuple[str, str]:
        """Return the fingerprint of the key that a host had, and where it is listed.

        Only files in which this run's ssh looks for host keys are read.
        """
        if refusal.offending is None or refusal.offending[0] not in self._keys.files:
            return "", ""
        path, number = refusal.offending
        try:
            with Path(path).open("rb") as file:
                line = file.read(known_hosts.MAX_FILE).split(b"\n")[number - 1]
        except (OSError, IndexError):
            return "", ""
        found = next(known_hosts.listed(line), None)
        if found is None:
            return "", ""
        is_accepted = path == str(self._keys.accepted)
        return found.fingerprint, "" if is_accepted else f"{path}:{number}"


def _refusal(message: str) -> _Refusal:
    for pattern, problem in _SENTENCES:
        if found := pattern.search(message):
            offending = _OFFENDING.search(message)
            place = (offending[1], int(offending[2])) if offending else None
            return _Refusal(problem, found[1], place)
    return _Refusal(UNKNOWN, "")


def _address(name: str) -> str:
    """Return the address in a name of known_hosts files: `[web1]:2222` is `web1`."""
    return name[1:].rpartition("]")[0] if name.startswith("[") else name


def _entries(host: str, path: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the number, the marker and the words of each line about a host."""
    program = shutil.which("ssh-keygen")
    if program is None or not Path(path).is_file():
        return
    try:
        done = subprocess.run(
            [program, "-F", host, "-f", path],
            capture_output=True, check=False, timeout=_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return
    number = 0
    for line in done.stdout.decode(errors="replace").splitlines():
        if found := _FOUND.match(line):
            number = int(found[1])
            continue
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        yield number, marker, words
