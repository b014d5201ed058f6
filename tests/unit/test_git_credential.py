"""git uses credentials of FastDeploy; the servers are a real sshd and git's own."""

import contextlib
import getpass
import subprocess
import tempfile
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
from testing.ssh_server import new_key
from testing.sshd import Sshd, running

TOKEN = "canary-token-5e1c"
PASSPHRASE = "canary phrase"
PATIENCE = 120
#: What the key of an account may do: note what others can see, then serve git.
_SERVE = """\
#!/bin/sh
for each in /proc/[0-9]*/cmdline /proc/[0-9]*/environ {temp}/fastdeploy-git-*/*; do
  [ ! -f "$each" ] || cat "$each" >>{seen} 2>/dev/null
done
eval "exec $SSH_ORIGINAL_COMMAND"
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """A repository with a commit."""
    made = GitRepository(tmp_path_factory.mktemp("git") / "infra.git")
    made.commit("First", {"site.yml": "- hosts: all\n"})
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running(tmp_path_factory.mktemp("sshd"), PASSPHRASE) as sshd:
        command = sshd.folder / "serve"
        seen, temp = sshd.folder / "seen", tempfile.gettempdir()
        command.write_text(_SERVE.format(temp=temp, seen=seen))
        command.chmod(0o755)
        allowed = sshd.user_key.with_name(f"{sshd.user_key.name}.pub")
        allowed.write_text(f'command="{command}" {allowed.read_text()}')
        yield sshd


@pytest.fixture
def http(repository: GitRepository) -> Iterator[GitHttp]:
    with GitHttp(repository.folder.parent, "reader", TOKEN).serving() as made:
        yield made


def _key(path: Path, passphrase: str = PASSPHRASE) -> Credential:
    values = {"private_key": path.read_text(), "passphrase": passphrase}
    return Credential(Kind.GIT_SSH, "infra", values)


def _token(value: str = TOKEN, user: str = "reader") -> Credential:
    return Credential(Kind.GIT_TOKEN, "infra", {"value": value, "user": user})


def _ssh_url(server: Sshd, repository: GitRepository) -> str:
    place = f"{getpass.getuser()}@127.0.0.1:{server.port}"
    return f"ssh://{place}{repository.folder}"


def _fetch(url: str, folder: Path, access: Access) -> Path:
    git_fetch.fetch(GitSource(url), folder, PATIENCE, access)
    return folder / git_fetch.MIRROR


def _head(git_dir: Path) -> str:
    command = ["git", "--git-dir", str(git_dir), "rev-parse", "main"]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode()


def test_a_key_with_a_passphrase_fetches_and_nobody_sees_it(
    server: Sshd, repository: GitRepository, tmp_path: Path
) -> None:
    access = Access(_key(server.user_key), server.line)

    mirror = _fetch(_ssh_url(server, repository), tmp_path / "data", access)

    assert repository.git("rev-parse", "HEAD") == _head(mirror).strip()
    seen = (server.folder / "seen").read_bytes()
    secrets = [PASSPHRASE, *server.user_key.read_text().split("\n")[1:-2]]
    assert b"key.pub" in seen
    assert not [each for each in secrets if each.encode() in seen]
    assert not list(Path(tempfile.gettempdir()).glob("fastdeploy-git-*/agent"))
    assert PASSPHRASE not in (mirror / "config").read_text()


def test_another_key_is_refused(
    server: Sshd, repository: GitRepository, tmp_path: Path
) -> None:
    access = Access(_key(new_key(tmp_path / "key"), ""), server.line)

    with pytest.raises(RunnerError, match="Permission denied"):
        _fetch(_ssh_url(server, repository), tmp_path / "data", access)


@pytest.mark.parametrize("with_key", [True, False])
def test_an_unknown_host_key_is_refused_with_what_accepts_it(
    server: Sshd, repository: GitRepository, tmp_path: Path, *, with_key: bool
) -> None:
    credential = _key(server.user_key) if with_key else None
    url = _ssh_url(server, repository)

    with pytest.raises(RunnerError) as refused:
        _fetch(url, tmp_path / "data", Access(credential, "", "infra"))

    assert server.fingerprint in str(refused.value)
    line = server.line.strip()
    accepts = f"with: echo '{line}' | fastdeploy host-key add infra -"
    assert f"accept it on the page of the project, or {accepts}" in str(refused.value)
    with pytest.raises(RunnerError, match=r"add it to ~/\.ssh/known_hosts of this"):
        git_fetch.reach(url, PATIENCE, Access(credential))


def test_a_changed_host_key_is_named(
    server: Sshd, repository: GitRepository, tmp_path: Path
) -> None:
    new_key(tmp_path / "other")
    other = (tmp_path / "other.pub").read_text()
    access = Access(_key(server.user_key), f"{server.name} {other}", "infra")

    with pytest.raises(RunnerError, match=r"the host key of .* has CHANGED"):
        _fetch(_ssh_url(server, repository), tmp_path / "data", access)


def test_a_token_fetches_and_nobody_sees_it(
    http: GitHttp, repository: GitRepository, tmp_path: Path
) -> None:
    seen: list[str] = []

    def look() -> None:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                seen.append(f"{process.cmdline()}{process.environ()}")

    http.during = look

    mirror = _fetch(f"{http.address}/infra.git", tmp_path / "data", Access(_token()))
    _fetch(f"{http.address}/infra.git", tmp_path / "data", Access(_token()))

    assert repository.git("rev-parse", "HEAD") == _head(mirror).strip()
    assert [each for each in seen if "remote-http" in each]
    assert not [each for each in seen if TOKEN in each]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_a_refused_token_is_not_repeated(http: GitHttp, tmp_path: Path) -> None:
    """The server repeats what it was sent."""
    access = Access(_token(f"{TOKEN}-wrong"))

    with pytest.raises(RunnerError, match="Authentication failed") as refused:
        _fetch(f"{http.address}/infra.git", tmp_path / "data", access)

    assert http.received
    assert TOKEN not in str(refused.value)


def test_a_token_is_not_sent_to_where_the_server_redirects(
    http: GitHttp, repository: GitRepository, tmp_path: Path
) -> None:
    with GitHttp(repository.folder.parent, "reader", TOKEN).serving() as other:
        http.elsewhere = other.address

        with pytest.raises(RunnerError, match="redirects to another address"):
            _fetch(f"{http.address}/infra.git", tmp_path / "data", Access(_token()))

        assert [] == other.received


@pytest.mark.parametrize(
    ("url", "credential", "sentence"),
    [
        ("http://git.example.org/infra.git", _token(), "doesn't begin with https://"),
        ("git@git.example.org:infra.git", _token(), "is a token for HTTPS"),
        ("/srv/infra", _token(), "is a token for HTTPS"),
        ("https://git.example.org/infra.git",
         Credential(Kind.GIT_SSH, "infra", {"private_key": "x"}), "isn't reached by"),
        ("https://git.example.org/infra.git",
         Credential(Kind.TOKEN, "infra", {"value": "x"}), "isn't reached by SSH"),
        ("https://reader:secret@git.example.org/infra.git", _token(),
         "fastdeploy credential add git-token:NAME"),
    ],
    ids=["http", "scp", "folder", "key", "other kind", "password"],
)  # fmt: skip
def test_a_credential_that_does_not_fit_the_url_is_refused(
    url: str, credential: Credential, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(RunnerError, match=sentence) as refused:
        _fetch(url, tmp_path / "data", Access(credential))

    assert "secret" not in str(refused.value)
