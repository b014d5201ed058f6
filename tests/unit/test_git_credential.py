"""git uses an SSH key of FastDeploy; the server is a real sshd."""

import getpass
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runner import git_fetch
from app.runner.credential_kinds import Kind
from app.runner.credentials import Credential
from app.runner.errors import RunnerError
from app.runner.git_credential import Access
from app.runner.git_source import GitSource
from testing.sshd import Sshd, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running(tmp_path_factory.mktemp("sshd")) as sshd:
        subprocess.run(
            ["git", "init", "-q", "--bare", sshd.folder / "infra.git"], check=True
        )
        yield sshd


def _key(path: Path, passphrase: str = "") -> Credential:
    values = {"private_key": path.read_text(), "passphrase": passphrase}
    return Credential(Kind.GIT_SSH, "infra", values)


def _source(server: Sshd) -> GitSource:
    place = f"{getpass.getuser()}@127.0.0.1:{server.port}"
    return GitSource(f"ssh://{place}{server.folder}/infra.git")


def test_a_repository_is_fetched_with_a_key_that_has_a_passphrase(
    server: Sshd, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_bytes(server.user_key.read_bytes())
    key.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-f", key, "-P", "", "-N", "canary phrase"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    credential = _key(key, "canary phrase")
    git_fetch.fetch(
        _source(server), tmp_path / "data", 120, Access(credential, server.line)
    )
    assert (tmp_path / "data" / git_fetch.MIRROR).is_dir()


def test_another_key_and_an_unknown_host_are_refused(
    server: Sshd, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-f", key, "-N", ""], check=True
    )
    with pytest.raises(RunnerError, match="Permission denied"):
        git_fetch.fetch(
            _source(server), tmp_path / "a", 120, Access(_key(key), server.line)
        )
    with pytest.raises(RunnerError, match="presented a host key that isn't known"):
        git_fetch.fetch(
            _source(server), tmp_path / "b", 120, Access(_key(server.user_key))
        )
