"""The ssh command of git: strict about host keys, and able to name a refused one."""

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import host_keys, known_hosts
from .errors import RunnerError
from .git_host_key import Refused
from .known_hosts import HostKey

_REFUSED = b"Host key verification failed."
_CHANGED = b"REMOTE HOST IDENTIFICATION HAS CHANGED"
_REVOKED = re.compile(rb"host key for \S+ was revoked|REVOKED HOST KEY DETECTED")


class Ssh:
    """How git calls ssh for one fetch; its files are in a private folder."""

    def __init__(self, folder: Path, accepted: str, project: str) -> None:
        """Write the files.

        Args:
            folder: The folder, which only this user may enter.
            accepted: The accepted host keys as known_hosts lines.
            project: The project for which keys can be accepted; empty for a new one.

        Raises:
            RunnerError: An accepted key is invalid.
        """
        try:
            keys = known_hosts.parse(accepted)
        except ValueError as error:
            raise RunnerError(f'"known_hosts" in the config file: {error}.') from None
        self.folder = folder
        self._project = project
        self._recorder = host_keys.Recorder(folder)
        self._accepted = folder / host_keys.FILE
        self._accepted.write_text("".join(f"{key.line}\n" for key in keys))

    def command(self, options: Sequence[str]) -> str:
        """Return the command: known hosts only, no questions, no shared connection.

        The user's configuration of ssh applies otherwise, with its aliases and jump
        hosts.

        Args:
            options: More options, which come first.
        """
        ssh = shutil.which("ssh")
        settings = {} if ssh is None else host_keys.settings(ssh)
        named = settings.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts")
        everything = (
            *options, "BatchMode=yes", "ControlMaster=no", "ControlPath=none",
            "ForwardAgent=no", "StrictHostKeyChecking=yes", "UpdateHostKeys=no",
            f"GlobalKnownHostsFile={named} {host_keys.quoted(str(self._accepted))}",
            *self._recorder.options(settings),
        )  # fmt: skip
        return shlex.join(["ssh", *(f"-o{option}" for option in everything)])

    def refused(self, stderr: bytes) -> Refused | None:
        """Return the host key that ssh refused, unless it is revoked."""
        presented = list(self._recorder.presented())
        if _REFUSED not in stderr or not presented or _REVOKED.search(stderr):
            return None
        return Refused(presented[-1], _CHANGED in stderr)

    def explain(self, refused: Refused) -> str:
        """Return what to do about a refused host key."""
        key = refused.key
        if refused.changed:
            return (
                f"the host key of {key.host} has CHANGED ({key.label}): find out why "
                f"and compare it on the host; then remove the earlier one, and "
                f"{self._how_to_accept(key)}"
            )
        return (
            f"{key.host} presented a host key that isn't known ({key.label}): compare "
            f"it on the host, and {self._how_to_accept(key)}"
        )

    def _how_to_accept(self, key: HostKey) -> str:
        if not self._project:
            return f"add it to ~/.ssh/known_hosts of this user: {key.line}"
        return (
            f"accept it on the page of the project, or with: echo '{key.line}' | "
            f"fastdeploy host-key add {self._project} -"
        )
