"""A token over HTTPS, with the certificate of a private authority."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.runner import git_fetch
from app.runner.credential_kinds import Kind
from app.runner.credentials import Credential
from app.runner.errors import RunnerError
from app.runner.git_credential import Access
from app.runner.git_source import GitSource
from testing.git_http import GitHttp
from testing.git_repository import GitRepository
from testing.private_ca import PrivateCa

TOKEN = "canary-https-token-71d0"
PATIENCE = 120


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> PrivateCa:
    return PrivateCa(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(ca: PrivateCa) -> Path:
    return ca.issue("git-server")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    made = GitRepository(tmp_path_factory.mktemp("git") / "infra.git")
    made.commit("First", {"site.yml": "- hosts: all\n"})
    return made


@pytest.fixture
def server(repository: GitRepository, certificate: Path) -> Iterator[GitHttp]:
    root = repository.folder.parent
    with GitHttp(root, "x-access-token", TOKEN, certificate).serving() as made:
        yield made


@pytest.fixture
def configured(ca: PrivateCa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user whose configuration of git trusts the authority."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[http]\nsslCAInfo = {ca.certificate}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


def fetch(url: str, folder: Path, token: str = TOKEN) -> Path:
    access = Access(Credential(Kind.GIT_TOKEN, "infra", {"value": token}))
    git_fetch.fetch(GitSource(url), folder, PATIENCE, access)
    return folder / git_fetch.MIRROR


def test_a_token_reaches_the_server_of_a_private_authority_and_nothing_else_has_it(
    server: GitHttp, configured: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    def look() -> None:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                seen.append(f"{process.cmdline()}{process.environ()}")

    server.during = look

    mirror = fetch(f"{server.address}/infra.git", tmp_path / "data")

    assert mirror.exists()
    assert {server.expected} == set(server.received)
    assert [each for each in seen if "remote-https" in each]
    assert not [each for each in seen if TOKEN in each]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert configured / ".gitconfig" in files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in caplog.text


def test_a_wrong_token_is_refused_without_repeating_it(
    server: GitHttp, configured: Path, tmp_path: Path
) -> None:
    assert configured

    with pytest.raises(RunnerError, match="Authentication failed") as refused:
        fetch(f"{server.address}/infra.git", tmp_path / "data", f"{TOKEN}-wrong")

    assert server.received
    assert TOKEN not in str(refused.value)


def test_a_redirect_to_another_https_server_gets_no_token(
    server: GitHttp, repository: GitRepository, certificate: Path, configured: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    assert configured
    root = repository.folder.parent
    with GitHttp(root, "x-access-token", TOKEN, certificate).serving() as other:
        server.elsewhere = other.address

        with pytest.raises(RunnerError, match="redirects to another address"):
            fetch(f"{server.address}/infra.git", tmp_path / "data")

        assert [] == other.received


def test_a_server_whose_authority_is_unknown_gets_no_token(
    server: GitHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the user has turned the check of certificates off."""
    (tmp_path / ".gitconfig").write_text("[http]\nsslVerify = false\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    with pytest.raises(RunnerError, match=r"http\.sslCAInfo"):
        fetch(f"{server.address}/infra.git", tmp_path / "data")

    assert [] == server.received
