"""Start and end an sshd on an address of this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socket import socket

import psutil

from testing.waiting import eventually

#: Where sshd is installed; PATH often lacks it.
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def keygen(*arguments: str) -> None:
    """Run ssh-keygen."""
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True)


def new_key(path: Path, passphrase: str = "") -> Path:
    """Make a private key; its public key is in `<path>.pub`."""
    keygen("-t", "ed25519", "-N", passphrase, "-C", path.name, "-f", str(path))
    return path


def known_hosts_line(port: int, key: Path) -> str:
    """Return the line of a known_hosts file for a server with this key."""
    public = " ".join(key.with_name(f"{key.name}.pub").read_text().split()[:2])
    return f"[127.0.0.1]:{port} {public}\n"


@contextmanager
def serving(
    folder: Path,
    port: int,
    key: Path,
    settings: Mapping[str, object],
    address: str = "127.0.0.1",
) -> Iterator[int]:
    """Run an sshd until the end, with its configuration and log in a folder.

    Its process id is yielded. Its sessions, which would outlive it, are ended too. Not
    by their user: a container may have processes with the same user id.
    """
    config = folder / "sshd_config"
    common = {
        "HostKey": key, "ListenAddress": f"{address}:{port}", "PidFile": "none",
        "StrictModes": "no", "Subsystem": "sftp internal-sftp", "UsePAM": "no",
    }  # fmt: skip
    config.write_text(
        "".join(f"{name} {value}\n" for name, value in {**common, **settings}.items())
    )
    program = shutil.which("sshd", path=_PATH)
    assert program, "run tools/prepare-tests"
    if os.geteuid() == 0:
        # sshd separates its privileges in this folder, which a service manager makes.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "sshd.log").open("ab") as log:
        server = subprocess.Popen([program, "-D", "-e", "-f", config], stderr=log)
    try:
        eventually(lambda: listens(address, port) or server.poll() is not None)
        assert server.returncode is None, (folder / "sshd.log").read_text()
        yield server.pid
    finally:
        _end(server)


def _end(server: "subprocess.Popen[bytes]") -> None:
    sessions = psutil.Process(server.pid).children(recursive=True)
    server.terminate()
    server.wait(30)
    for session in sessions:
        with suppress(psutil.NoSuchProcess):
            session.kill()
    psutil.wait_procs(sessions)


def listens(address: str, port: int) -> bool:
    """Return whether a server accepts connections."""
    with closing(socket()) as client:
        return client.connect_ex((address, port)) == 0
