"""An SSH server on this machine with an account of its own, for root's tests."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from testing.waiting import eventually

#: Throw-away; the number keeps two test runs on one machine apart.
USER = f"fdssh{os.getpid() % 100_000}"


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
        path = self.folder / name
        keygen("-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(path))
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


def keygen(*arguments: str) -> None:
    """Run ssh-keygen."""
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True)


@contextmanager
def ssh_account() -> Iterator[SshAccount]:
    """Start a server with an account; nothing of them is left."""
    folder = Path(tempfile.mkdtemp(prefix="fastdeploy-ssh-"))
    folder.chmod(0o755)
    host = SshAccount(folder, _free_port(), USER, "canary-Sudo-p4ssword")
    try:
        with _account(host):
            server = _serve(host)
            try:
                yield host
            finally:
                _end(server)
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


def _serve(host: SshAccount) -> "subprocess.Popen[bytes]":
    keygen("-t", "ed25519", "-N", "", "-f", str(host.folder / "host"))
    keygen("-t", "ed25519", "-N", "", "-f", str(host.folder / "ca"))
    public = (host.folder / "host.pub").read_text()
    host.known_hosts.write_text(f"[127.0.0.1]:{host.port} {public}")
    host.authorize()
    # sshd separates its privileges in this folder, which a service manager makes.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    settings = {
        "AuthorizedKeysFile": host.folder / "authorized_keys",
        "HostKey": host.folder / "host",
        "ListenAddress": f"127.0.0.1:{host.port}",
        "LogLevel": "QUIET",
        "MaxAuthTries": 3,
        "PidFile": "none",
        "StrictModes": "no",
        "Subsystem": "sftp internal-sftp",
        "TrustedUserCAKeys": host.folder / "ca.pub",
        "UsePAM": "no",
    }
    config = host.folder / "sshd_config"
    config.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", config])
    eventually(lambda: _listens(host.port))
    return server


def _end(server: "subprocess.Popen[bytes]") -> None:
    """End a server and its sessions, which outlive it.

    Not by the account: a container may have processes with the same user id.
    """
    sessions = psutil.Process(server.pid).children(recursive=True)
    server.terminate()
    server.wait()
    for session in sessions:
        with suppress(psutil.NoSuchProcess):
            session.kill()
    psutil.wait_procs(sessions)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
