"""An SSH server on this machine that lets its own user log in with one key."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testing.processes import Process
from testing.waiting import eventually

#: Without this folder, sshd refuses to start as root; a unit of systemd makes it.
_EMPTY = Path("/run/sshd")
_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True, slots=True)
class SshHost:
    """The address of the server, and what a client needs to log in."""

    port: int
    user: str
    #: The private key that may log in.
    key: Path
    #: A known_hosts file with the key of the host.
    known_hosts: Path


@contextmanager
def ssh_host(folder: Path, port: int) -> Iterator[SshHost]:
    """Run sshd as this user with keys of its own.

    Args:
        folder: An empty folder for keys, configuration and log.
        port: A free port of 127.0.0.1.
    """
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert sshd, "no sshd is here; tools/prepare-tests installs it"
    if os.geteuid() == 0:
        _EMPTY.mkdir(mode=0o755, exist_ok=True)
    for name in ("host_key", "key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
            check=True,
        )  # fmt: skip
    known = folder / "known_hosts"
    public = (folder / "host_key.pub").read_text()
    known.write_text(f"[127.0.0.1]:{port} {public}")
    config = folder / "sshd_config"
    config.write_text(_CONFIG.format(port=port, folder=folder))
    command = [sshd, "-D", "-e", "-f", str(config)]
    process = Process(command, {}, folder / "log")
    try:
        eventually(lambda: "Server listening" in process.log)
        yield SshHost(port, getpass.getuser(), folder / "key", known)
    finally:
        process.kill()
