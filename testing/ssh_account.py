"""An SSH server on this machine with an account of its own, for root's tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testing.ports import free_port
from testing.ssh_server import keygen, known_hosts_line, new_key, serving
from testing.waiting import eventually

#: Throw-away; the number keeps two test runs on one machine apart.
USER = f"fdssh{os.getpid() % 100_000}"
#: A playbook that needs to reach the host, and nothing else.
REACH = """\
- hosts: target
  gather_facts: false
  tasks:
    - ansible.builtin.command: id -un
"""


@dataclass(frozen=True)
class SshAccount:
    """A server that accepts keys, certificates and one account's password.

    Its account may become root with the same password. Three wrong keys end a
    connection.
    """

    folder: Path
    port: int
    user: str
    password: str

    @property
    def known_hosts(self) -> Path:
        """A file with the server's key."""
        return self.folder / "known_hosts"

    @property
    def ssh_args(self) -> str:
        """Options of ssh to know the server, and to keep connections."""
        return (
            f"-F none -o UserKnownHostsFile={self.known_hosts} "
            "-o ControlMaster=auto -o ControlPersist=10m"
        )

    @property
    def inventory(self) -> dict[str, Any]:
        """An inventory with this host, without a user."""
        host = {"ansible_host": "127.0.0.1", "ansible_port": self.port,
                "ansible_python_interpreter": "/usr/bin/python3"}  # fmt: skip
        return {"all": {"hosts": {"target": host}}}

    def make_key(self, name: str, passphrase: str = "") -> str:
        """Make a private key; its public key is in `<name>.pub`."""
        path = new_key(self.folder / name, passphrase)
        key = path.read_text()
        path.unlink()
        return key

    def authorize(self, *names: str) -> None:
        """Let these keys log in, and no others."""
        lines = [(self.folder / f"{name}.pub").read_text() for name in names]
        (self.folder / "authorized_keys").write_text("".join(lines))

    def certify(self, name: str) -> str:
        """Return a certificate of a key, with which it may log in."""
        keygen("-s", str(self.folder / "ca"), "-I", name, "-n", self.user,
               str(self.folder / f"{name}.pub"))  # fmt: skip
        return (self.folder / f"{name}-cert.pub").read_text()


@contextmanager
def ssh_account() -> Iterator[SshAccount]:
    """Start a server with an account; nothing of them is left."""
    folder = Path(tempfile.mkdtemp(prefix="fastdeploy-ssh-"))
    folder.chmod(0o755)
    host = SshAccount(folder, free_port(), USER, "canary-Sudo-p4ssword")
    try:
        with _account(host), _server(host):
            yield host
    finally:
        shutil.rmtree(folder)


@contextmanager
def _account(host: SshAccount) -> Iterator[None]:
    rule = Path("/etc/sudoers.d", host.user)
    subprocess.run(
        ["useradd", "--system", "--create-home", "--home-dir", host.folder / "home",
         "--shell", "/bin/sh", host.user], check=True,
    )  # fmt: skip
    try:
        subprocess.run(
            ["chpasswd"], input=f"{host.user}:{host.password}", text=True, check=True
        )
        rule.write_text(f"Defaults:{host.user} !lecture\n{host.user} ALL=(ALL) ALL\n")
        rule.chmod(0o440)
        yield
    finally:
        rule.unlink(missing_ok=True)
        eventually(lambda: _deleted(host.user))


def _deleted(user: str) -> bool:
    """Delete an account; return False if one of its processes is still ending."""
    done = subprocess.run(["userdel", user], check=False, capture_output=True)
    return done.returncode == 0


@contextmanager
def _server(host: SshAccount) -> Iterator[None]:
    key = new_key(host.folder / "host")
    new_key(host.folder / "ca")
    host.known_hosts.write_text(known_hosts_line(host.port, key))
    host.authorize()
    settings = {
        "AuthorizedKeysFile": host.folder / "authorized_keys",
        "MaxAuthTries": 3,
        "TrustedUserCAKeys": host.folder / "ca.pub",
    }
    with serving(host.folder, host.port, key, settings):
        yield
