"""Let ssh check host keys strictly, and record the keys that hosts present.

The keys that FastDeploy's administrators accepted, and those of a `known_hosts` in the
service's folder, are global known_hosts files of the run: ssh reads them in addition to
the user's own files, and writes to none of them.

ssh calls a `KnownHostsCommand` with each key that a host presents. So a refused key is
recorded as the host presented it in this very connection, through jump hosts too;
`ssh-keyscan` would connect once more, and directly.
"""

import contextlib
import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import known_hosts, ssh_arguments
from .ansible_cfg import Sections
from .errors import RunnerError
from .known_hosts import HostKey

#: The file in the folder of a service with further host keys.
FILE = "known_hosts"
#: Maximum length of a folder of sockets, whose paths have 108 bytes at most.
#: Prefixes of the variables that decide how Ansible calls ssh.
_SETTINGS_OF_SSH = ("ANSIBLE_HOST_KEY_", "ANSIBLE_SSH_")
_MAX_SOCKET_FOLDER = 76
_SECONDS = 10
#: A setting that OpenSSH lists since 8.5, the first version with KnownHostsCommand.
_SINCE_8_5 = "pubkeyacceptedalgorithms"
#: Records the keys that hosts present. sh, because ssh waits for it; not executed as a
#: program, because the folder may be mounted with noexec.
_RECORD = """\
[ "$2" != HOSTNAME ] || echo "$3 $4 $5" >> "$1"
"""


class Recorder:
    """Records the keys that hosts present to ssh, in a private folder."""

    def __init__(self, folder: Path) -> None:
        self._script = folder / "record-host-key"
        self._script.write_text(_RECORD)
        #: A line for each key: the host's name in known_hosts files, type and key.
        self.file = folder / "presented-host-keys"

    def options(self, settings: Mapping[str, str]) -> list[str]:
        """Return the options of ssh that record keys; none if ssh can't do it.

        Args:
            settings: What ssh would use otherwise; see `settings`.
        """
        # One that the host's own configuration names knows hosts that no file lists.
        if "knownhostscommand" in settings or _SINCE_8_5 not in settings:
            return []
        command = f"KnownHostsCommand=/bin/sh {_argument(self._script)}"
        return [f"{command} {_argument(self.file)} %I %H %t %K"]

    def presented(self) -> Iterator[HostKey]:
        """Yield the keys in the order in which they were presented."""
        try:
            content = self.file.read_bytes()
        except OSError:
            return
        for line in content.decode(errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                yield known_hosts.make(*line.split(" "))


class HostKeys:
    """The known host keys of a run, and those that hosts present to it."""

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
        #: The file with the accepted keys.
        self.accepted = private / FILE
        self.accepted.touch(mode=0o600)
        self.accepted.write_text("".join(f"{key.line}\n" for key in keys))
        #: Records the keys that hosts present.
        self.recorder = Recorder(private)
        self._folder = folder
        own = folder / FILE
        self._own = own if own.is_file() else None
        #: The files in which ssh looks for host keys.
        self.files: list[str] = []

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
        found = settings(ssh)
        options = ["StrictHostKeyChecking=yes", *self.recorder.options(found)]
        named = found.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts")
        users = found.get("userknownhostsfile", "")
        own = [str(each) for each in (self.accepted, self._own) if each is not None]
        if not learns:
            own += users.split()
            learned = _argument(self.accepted.with_name("learned-host-keys"))
            options.append(f"UserKnownHostsFile={learned}")
        listed = " ".join([named, *map(quoted, own)])
        options.append(f"GlobalKnownHostsFile={listed}")
        self.files = [*named.split(), *own, *users.split()]
        configured = config.get(ssh_arguments.SECTION, {})
        own_env = {**env, **self._own_connections(env, config)}
        return own_env | ssh_arguments.extra_arguments(own_env, configured, options)

    def _own_connections(
        self, env: Mapping[str, str], config: Sections
    ) -> dict[str, str]:
        """Return the variable that keeps the connections of other services apart.

        ssh checks no key if a connection of an earlier run is still open
        (ControlPersist), even if that run checked none. With this, only runs of the
        same service with the same settings that know the same keys share connections.
        """
        configured = config.get(ssh_arguments.SECTION, {})
        chosen = any(
            f"ANSIBLE_SSH_{key.upper()}" in env or key in configured
            for key in ("control_path", "control_path_dir")
        )
        home = env.get("HOME", "")
        folder = f"{home}/.ansible/cp/{self._digest(env, config)}"
        if chosen or not home or len(folder) > _MAX_SOCKET_FOLDER:
            return {}
        return {"ANSIBLE_SSH_CONTROL_PATH_DIR": folder}

    def _digest(self, env: Mapping[str, str], config: Sections) -> str:
        """Return a digest of the service, its settings and the known keys."""
        files = [self.accepted] if self._own is None else [self.accepted, self._own]
        of_ssh = {key: env[key] for key in env if key.startswith(_SETTINGS_OF_SSH)}
        sections = {name: sorted(values.items()) for name, values in config.items()}
        settings = (str(self._folder), sorted(of_ssh.items()), sorted(sections.items()))
        found = hashlib.sha256(repr(settings).encode(errors="surrogateescape"))
        for file in files:
            found.update(hashlib.sha256(file.read_bytes()).digest())
        return found.hexdigest()[:12]


def settings(ssh: str) -> dict[str, str]:
    """Return what ssh would use, by lower-case name; empty if it fails."""
    try:
        done = subprocess.run(
            [ssh, "-G", "localhost"], capture_output=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if done.returncode:
        return {}
    lines = done.stdout.decode(errors="replace").splitlines()
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def _argument(path: Path) -> str:
    """Quote a path for KnownHostsCommand, in which % begins a token."""
    return quoted(str(path).replace("%", "%%"))


def quoted(path: str) -> str:
    """Quote a path for an option of ssh that has several values."""
    return '"{}"'.format(path.replace("\\", "\\\\").replace('"', '\\"'))
