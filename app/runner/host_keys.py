"""Let ssh check host keys strictly, and report the keys that it refused.

The keys that FastDeploy's administrators accepted, and those of a `known_hosts` in the
service's folder, are global known_hosts files of the run: ssh reads them in addition to
the user's own files, and writes to none of them.

ssh calls a `KnownHostsCommand` with each key that a host presents. So a refused key is
recorded as the host presented it in this very connection, through jump hosts too;
`ssh-keyscan` would connect once more, and directly.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import known_hosts, ssh_arguments
from .ansible_cfg import Sections
from .errors import RunnerError
from .known_hosts import HostKey

#: The file in the folder of a service with further host keys.
FILE = "known_hosts"
#: The kinds of a refusal.
UNKNOWN, CHANGED, REVOKED = "unknown", "changed", "revoked"
#: Maximum numbers of reports of a run, and of hosts that a report names.
MAX_REPORTS, MAX_HOSTS = 50, 20

_SECONDS = 10
#: The last line of ssh for every host key that it refuses.
_REFUSED = b"Host key verification failed."
#: ssh's sentence with the name of the host in known_hosts files.
_SENTENCES = (
    (re.compile(r"No \S+ host key is known for (\S+) and you have"), UNKNOWN),
    (re.compile(r"Host key for (\S+) has changed and you have"), CHANGED),
    (re.compile(r"\S+ host key for (\S+) was revoked and you have"), REVOKED),
)
_OFFENDING = re.compile(
    r"Offending \S+ key in ([^\r\n]+):([0-9]{1,9})\r?$", re.MULTILINE
)
#: Records the keys that hosts present. sh, because ssh waits for it; not executed as a
#: program, because the folder may be mounted with noexec.
_RECORD = """\
[ "$2" != HOSTNAME ] || echo "$3 $4 $5" >> "$1"
"""


@dataclass
class _Refusal:
    problem: str
    #: The name in known_hosts files; empty if ssh's message doesn't have it.
    name: str
    hosts: dict[str, None] = field(default_factory=dict)
    #: The path and the line of the key that the host had.
    offending: tuple[str, int] | None = None


class HostKeys:
    """The known host keys of a run, and the refusals that its events report."""

    def __init__(self, private: Path, folder: Path, accepted: str) -> None:
        """Write the files of a run.

        Args:
            private: The private folder of the run.
            folder: The folder of the service.
            accepted: The accepted keys as known_hosts lines.

        Raises:
            RunnerError: An accepted key is invalid.
        """
        try:
            keys = known_hosts.parse(accepted)
        except ValueError as error:
            raise RunnerError(f'"known_hosts" in the config file: {error}.') from None
        self._file = private / FILE
        self._file.touch(mode=0o600)
        self._file.write_text("".join(f"{key.line}\n" for key in keys))
        self._recorder = private / "record-host-key"
        self._recorder.write_text(_RECORD)
        self._presented = private / "presented-host-keys"
        own = folder / FILE
        self._own = own if own.is_file() else None
        self._files: list[str] = []
        self._refusals: dict[str, _Refusal] = {}

    def environment(
        self, env: Mapping[str, str], config: Sections, *, learns: bool = True
    ) -> dict[str, str]:
        """Return the environment in which Ansible's ssh connections are strict.

        It is unchanged where ssh is not installed.

        Args:
            env: The environment of ansible-playbook.
            config: Its ansible.cfg.
            learns: Whether ssh may add keys to the user's files if the service's
                settings let it; otherwise they are forgotten after the run.
        """
        ssh = shutil.which("ssh", path=env.get("PATH"))
        if ssh is None:
            return dict(env)
        settings = _settings(ssh) or {}
        options = ["StrictHostKeyChecking=yes"]
        recorder = f"KnownHostsCommand=/bin/sh {_argument(self._recorder)}"
        recorder += f" {_argument(self._presented)} %I %H %t %K"
        # One that the host's own configuration names knows hosts that no file lists,
        # and OpenSSH before 8.5 doesn't have the option.
        if "knownhostscommand" not in settings and _settings(ssh, recorder):
            options.append(recorder)
        named = settings.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts")
        users = settings.get("userknownhostsfile", "")
        own = [str(each) for each in (self._file, self._own) if each is not None]
        if not learns:
            own += users.split()
            learned = _argument(self._file.with_name("learned-host-keys"))
            options.append(f"UserKnownHostsFile={learned}")
        listed = " ".join([named, *map(_quoted, own)])
        options.append(f"GlobalKnownHostsFile={listed}")
        self._files = [*named.split(), *own, *users.split()]
        configured = config.get(ssh_arguments.SECTION, {})
        return {**env, **ssh_arguments.extra_arguments(env, configured, options)}

    def see(self, line: bytes) -> None:
        """Remember a refusal if a line of the journal is an event that reports one."""
        if _REFUSED not in line or not line.startswith(b"{"):
            return
        try:
            event = json.loads(line)
            data = event["event_data"]
            host, message = str(data["host"]), str(data["res"]["msg"])
        except (ValueError, RecursionError, LookupError, TypeError):
            return
        if event.get("event") != "runner_on_unreachable":
            return
        found = _refusal(message)
        key = found.name or host
        if key in self._refusals or len(self._refusals) < MAX_REPORTS:
            self._refusals.setdefault(key, found).hosts[host] = None

    def reports(self) -> Iterator[dict[str, Any]]:
        """Yield an object for each refused key, to be written into the journal."""
        presented = self._read_presented() if self._refusals else {}
        for refusal in self._refusals.values():
            key = presented.get(refusal.name)
            if refusal.problem == REVOKED:
                key = None
            previous, place = self._previous(refusal)
            yield {
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
        found = {}
        try:
            lines = self._presented.read_bytes().decode(errors="replace").splitlines()
        except OSError:
            return {}
        for line in lines:
            try:
                key = known_hosts.make(*line.split(" "))
            except (ValueError, TypeError):
                continue
            found[key.host] = key
        return found

    def _previous(self, refusal: _Refusal) -> tuple[str, str]:
        """Return the fingerprint of the key that a host had, and where it is listed.

        Only files in which this run's ssh looks for host keys are read.
        """
        if refusal.offending is None:
            return "", ""
        path, number = refusal.offending
        if path not in self._files:
            return "", ""
        try:
            with Path(path).open("rb") as file:
                line = file.read(known_hosts.MAX_FILE).split(b"\n")[number - 1]
        except (OSError, IndexError):
            return "", ""
        found = next(known_hosts.listed(line), None)
        if found is None:
            return "", ""
        return found.fingerprint, "" if path == str(self._file) else f"{path}:{number}"


def _refusal(message: str) -> _Refusal:
    for pattern, problem in _SENTENCES:
        if found := pattern.search(message):
            offending = _OFFENDING.search(message)
            place = (offending[1], int(offending[2])) if offending else None
            return _Refusal(problem, found[1], offending=place)
    return _Refusal(UNKNOWN, "")


def _settings(ssh: str, *options: str) -> dict[str, str] | None:
    """Return what ssh would use, by lower-case name; None if it refuses an option."""
    given = [word for option in options for word in ("-o", option)]
    try:
        done = subprocess.run(
            [ssh, *given, "-G", "localhost"],
            capture_output=True, check=False, timeout=_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    lines = done.stdout.decode(errors="replace").splitlines()
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def _argument(path: Path) -> str:
    """Quote a path for KnownHostsCommand, in which % begins a token."""
    return _quoted(str(path).replace("%", "%%"))


def _quoted(path: str) -> str:
    """Quote a path for an option of ssh that has several values."""
    return '"{}"'.format(path.replace("\\", "\\\\").replace('"', '\\"'))
