"""A real sshd on a free port of 127.0.0.1, with host keys in a temporary folder."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from testing.waiting import eventually

#: Where sshd is installed; PATH often lacks it.
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class Sshd:
    """An sshd that lets this user log in with the key `user_key`."""

    def __init__(self, folder: Path) -> None:
        """Create the keys; `key` is the one that the host presents."""
        self.folder = folder
        self.user_key = _new_key(folder / "user_key")
        self.key = _new_key(folder / "host_key_1")
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """The name of the host in known_hosts files."""
        return f"[127.0.0.1]:{self.port}"

    @property
    def public(self) -> str:
        """Type and base64 of the host key."""
        return " ".join(public_of(self.key).split()[:2])

    @property
    def line(self) -> str:
        """The host key as a line of a known_hosts file."""
        return f"{self.name} {self.public}\n"

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

    def change_key(self) -> None:
        """Restart with another host key."""
        self.stop()
        number = int(self.key.name.rpartition("_")[2]) + 1
        self.key = _new_key(self.folder / f"host_key_{number}")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.key}\n"
            f"PidFile none\nAuthorizedKeysFile {self.user_key}.pub\nStrictModes no\n"
            "UsePAM no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
        )
        program = shutil.which("sshd", path=_PATH)
        assert program, "run tools/prepare-tests"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-D", "-e", "-f", str(config)], stderr=log
            )
        eventually(self._listens)

    def stop(self) -> None:
        """Stop it; connections end by themselves."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def _listens(self) -> bool:
        with contextlib.closing(socket.socket()) as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Sshd]:
    """Start an sshd with files in `folder`, and stop it afterwards."""
    made = Sshd(folder)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def public_of(key: Path) -> str:
    """Return the public part of a key."""
    return key.with_name(f"{key.name}.pub").read_text()


def _new_key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
