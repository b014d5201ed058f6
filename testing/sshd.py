"""A real sshd on a free port of 127.0.0.1 that lets this user log in."""

import contextlib
import getpass
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from testing.ports import free_port
from testing.ssh_server import known_hosts_line, new_key, serving


class Sshd:
    """An sshd that lets this user log in with the key `user_key`."""

    def __init__(self, folder: Path, passphrase: str = "") -> None:
        """Create the keys; `key` is the one that the host presents.

        Args:
            folder: The folder of all files.
            passphrase: The passphrase of `user_key`.
        """
        self.folder = folder
        self.user_key = new_key(folder / "user_key", passphrase)
        self.key = new_key(folder / "host_key_1")
        self.port = free_port()
        self._server = contextlib.ExitStack()

    @property
    def name(self) -> str:
        """The name of the host in known_hosts files."""
        return self.line.split()[0]

    @property
    def public(self) -> str:
        """Type and base64 of the host key."""
        return self.line.strip().partition(" ")[2]

    @property
    def line(self) -> str:
        """The host key as a line of a known_hosts file."""
        return known_hosts_line(self.port, self.key)

    @property
    def known_hosts(self) -> Path:
        """A known_hosts file with the host key."""
        path = self.folder / "known_hosts"
        path.write_text(self.line)
        return path

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the host key, as ssh-keygen prints it."""
        printed = subprocess.run(
            ["ssh-keygen", "-l", "-f", f"{self.key}.pub"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return printed.stdout.split()[1]

    def inventory(self, **more: str) -> dict[str, object]:
        """Return the variables of this host in an inventory."""
        return {
            "ansible_host": "127.0.0.1", "ansible_port": self.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(self.user_key), **more,
        }  # fmt: skip

    @property
    def commands(self) -> list[str]:
        """The names of the processes that sessions have started and that still run."""
        found = []
        for each in psutil.Process(self._pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if each.status() != psutil.STATUS_ZOMBIE and each.name() != "sshd":
                    found.append(each.name())
        return found

    def change_key(self) -> None:
        """Restart with another host key."""
        self.stop()
        number = int(self.key.name.rpartition("_")[2]) + 1
        self.key = new_key(self.folder / f"host_key_{number}")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        settings = {
            "AuthorizedKeysFile": f"{self.user_key}.pub",
            "PasswordAuthentication": "no",
        }
        serve = serving(self.folder, self.port, self.key, settings)
        self._pid = self._server.enter_context(serve)

    def stop(self) -> None:
        """Stop it and its connections."""
        self._server.close()


@contextlib.contextmanager
def running(folder: Path, passphrase: str = "") -> Iterator[Sshd]:
    """Start an sshd with files in `folder`, and stop it afterwards."""
    made = Sshd(folder, passphrase)
    made.start()
    try:
        yield made
    finally:
        made.stop()
