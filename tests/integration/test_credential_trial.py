"""Trying a credential: a key on a real SSH server."""

import getpass
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import bootstrap
from app.domain.credential import Home
from app.errors import Conflict, Invalid
from app.settings import Settings
from app.store.store import Store
from app.usecases import credentials
from app.usecases.credential_trial import Target, try_on
from app.usecases.credentials import Change
from testing.factories import ROOT
from testing.waiting import eventually

PASSPHRASE = "correct horse"
SSHD = "/usr/sbin/sshd"


def make_key(path: Path, passphrase: str = "") -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path], check=True
    )
    return path.read_text()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """An SSH server that accepts the key `tmp_path/key`."""
    make_key(tmp_path / "host")
    make_key(tmp_path / "key", PASSPHRASE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    options = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "key.pub", "StrictModes": "no",
        "PidFile": "none", "UsePAM": "no", "PasswordAuthentication": "no",
    }  # fmt: skip
    config = tmp_path / "sshd_config"
    config.write_text("".join(f"{key} {value}\n" for key, value in options.items()))
    known = tmp_path / "known_hosts"
    public = (tmp_path / "host.pub").read_text()
    known.write_text(f"[127.0.0.1]:{port} {public}")
    with subprocess.Popen([SSHD, "-D", "-e", "-f", config]) as server:
        try:
            eventually(lambda: listens(port))
            yield Target("127.0.0.1", port, getpass.getuser(), str(known))
        finally:
            server.terminate()


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_a_key_with_a_passphrase_is_tried_on_a_host(
    store: Store, settings: Settings, target: Target, tmp_path: Path
) -> None:
    secret_box = bootstrap.make_secret_box(settings)
    for name, text in {
        "prod": (tmp_path / "key").read_text(),
        "other": make_key(tmp_path / "other", PASSPHRASE),
    }.items():
        values = {"private_key": text, "passphrase": PASSPHRASE}
        change = Change(values=values)
        credentials.put(store, secret_box, ROOT, f"ssh:{name}", change, replace=False)

    said = try_on(store, secret_box, ROOT, "ssh:prod", target)

    assert f"127.0.0.1 accepts the key for {getpass.getuser()}" == said
    with pytest.raises(Conflict, match="Permission denied"):
        try_on(store, secret_box, ROOT, "ssh:other", target)
    unknown = Target(target.host, target.port, target.user, "/dev/null")
    with pytest.raises(Conflict, match="Host key verification failed"):
        try_on(store, secret_box, ROOT, "ssh:prod", unknown)
    with pytest.raises(Invalid, match="give the host to try it on"):
        try_on(store, secret_box, ROOT, "ssh:prod", Target())


def test_what_cannot_be_tried_says_so(store: Store, settings: Settings) -> None:
    secret_box = bootstrap.make_secret_box(settings)
    for reference, change in {
        "token:github": Change(values={"value": "hunter2"}),
        "become:prod": Change(Home.PLACED),
    }.items():
        credentials.put(store, secret_box, ROOT, reference, change, replace=False)

    said = try_on(store, secret_box, ROOT, "token:github", Target())

    assert "token:github can be decrypted" in said
    with pytest.raises(Conflict, match="become:prod is placed: FastDeploy doesn't"):
        try_on(store, secret_box, ROOT, "become:prod", Target())


def test_a_vault_password_is_tried_on_a_file(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    secret_box = bootstrap.make_secret_box(settings)
    for name, password in {"prod": PASSPHRASE, "other": "hunter2"}.items():
        change = Change(values={"password": password})
        credentials.put(store, secret_box, ROOT, f"vault:{name}", change, replace=False)
    (tmp_path / "password").write_text(PASSPHRASE)
    file = tmp_path / "vault.yml"
    file.write_text("a: 1\n")
    vault = Path(sys.executable).with_name("ansible-vault")
    password_file = f"--vault-password-file={tmp_path / 'password'}"
    subprocess.run([vault, "encrypt", password_file, file], check=True)
    encrypted = file.read_bytes()

    said = try_on(store, secret_box, ROOT, "vault:prod", Target(file=file))

    assert f"it decrypts {file}" == said
    with pytest.raises(Conflict, match="it doesn't decrypt"):
        try_on(store, secret_box, ROOT, "vault:other", Target(file=file))
    assert encrypted == file.read_bytes()
