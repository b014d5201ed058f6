"""Trying a credential: a key on a real SSH server."""

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
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
from testing.ssh_account import ssh_account
from testing.ssh_server import new_key
from testing.sshd import Sshd, running

PASSPHRASE = "correct horse"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Sshd]:
    """An SSH server, and a key with a passphrase that it accepts."""
    with running(tmp_path, PASSPHRASE) as started:
        yield started


def test_a_key_with_a_passphrase_is_tried_on_a_host(
    store: Store, settings: Settings, host: Sshd, tmp_path: Path
) -> None:
    secret_box = bootstrap.make_secret_box(settings)
    for name, key in {
        "prod": host.user_key,
        "other": new_key(tmp_path / "other", PASSPHRASE),
    }.items():
        values = {"private_key": key.read_text(), "passphrase": PASSPHRASE}
        change = Change(values=values)
        credentials.put(store, secret_box, ROOT, f"ssh:{name}", change, replace=False)
    user = getpass.getuser()
    target = Target("127.0.0.1", host.port, user, str(host.known_hosts))

    said = try_on(store, secret_box, ROOT, "ssh:prod", target)

    assert f"127.0.0.1 accepts the key for {user}" == said
    with pytest.raises(Conflict, match="Permission denied"):
        try_on(store, secret_box, ROOT, "ssh:other", target)
    unknown = Target(target.host, target.port, target.user, "/dev/null")
    with pytest.raises(Conflict, match="Host key verification failed"):
        try_on(store, secret_box, ROOT, "ssh:prod", unknown)
    with pytest.raises(Invalid, match="give the host to try it on"):
        try_on(store, secret_box, ROOT, "ssh:prod", Target())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make accounts")
def test_passwords_are_tried_on_a_host_and_its_sudo(
    store: Store, settings: Settings
) -> None:
    secret_box = bootstrap.make_secret_box(settings)
    with ssh_account() as account:
        for reference, password in {
            "password:prod": account.password, "password:other": "hunter2",
            "become:prod": account.password, "become:other": "hunter2",
        }.items():  # fmt: skip
            change = Change(values={"password": password})
            credentials.put(store, secret_box, ROOT, reference, change, replace=False)
        target = Target("127.0.0.1", account.port, account.user,
                        str(account.known_hosts), ssh="password:prod")  # fmt: skip

        said = [try_on(store, secret_box, ROOT, reference, target)
                for reference in ("password:prod", "become:prod")]  # fmt: skip

        assert [
            f"127.0.0.1 accepts the password for {account.user}",
            f"sudo on 127.0.0.1 accepts the password for {account.user}",
        ] == said
        for reference in ("password:other", "become:other"):
            with pytest.raises(Conflict, match=r"127\.0\.0\.1 doesn't accept it"):
                try_on(store, secret_box, ROOT, reference, target)
        with pytest.raises(Invalid, match="give the credential that reaches"):
            try_on(store, secret_box, ROOT, "become:prod", replace(target, ssh=""))


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
    vaulted = Target(vaulted=file.read_text())

    said = try_on(store, secret_box, ROOT, "vault:prod", vaulted)

    assert "it decrypts the file" == said
    with pytest.raises(Conflict, match="it doesn't decrypt"):
        try_on(store, secret_box, ROOT, "vault:other", vaulted)
