"""Commits and tags that must be signed by an allowed signer."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.runner.errors import RunnerError
from app.runner.git_mirror import Mirror
from app.runner.git_signature import lines_for
from app.runner.git_source import GitSource
from testing.git_repository import ADDRESS, GitRepository

OTHER = "other@example.org"


@dataclass(frozen=True)
class SignedMirror:
    """A mirror with signed commits and tags, and the allowed signers."""

    mirror: Mirror
    file: Path
    #: A public key that may sign as ADDRESS.
    key: str
    #: The public key of another signer.
    other: str
    commits: dict[str, str]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> SignedMirror:
    folder = tmp_path_factory.mktemp("signed")
    listed, other, unlisted = (make_key(folder / name) for name in "abc")
    file = folder / "allowed_signers"
    file.write_text(f"{ADDRESS} {public(listed)}\n{OTHER} {public(other)}\n")
    repository = GitRepository(folder / "infra")

    def commit(subject: str, key: Path | None, *more: str) -> str:
        if key is None:
            return repository.commit(subject, None, *more)
        repository.git("config", "gpg.format", "ssh")
        repository.git("config", "user.signingKey", str(key))
        return repository.commit(subject, None, "-S", *more)

    commits = {
        "good": commit("Sign", listed),
        "unsigned": commit("Do not sign", None),
        "unlisted": commit("Sign with an unlisted key", unlisted),
        "in the name of another": commit("Sign as somebody else", other),
    }
    commits["tagged"] = commit("Sign the tag only", None)
    repository.git("config", "user.signingKey", str(listed))
    repository.git("tag", "-s", "-m", "Signed", "signed-tag")
    repository.git("tag", "-a", "-m", "Not signed", "annotated")
    repository.git("config", "user.signingKey", str(other))
    repository.git("tag", "-s", "-m", "Signed by another", "other-tag")
    commits["altered"] = alter(repository, commits["good"])
    commits["PGP"] = alter(
        repository, commits["good"], ("SSH SIGNATURE", "PGP SIGNATURE")
    )
    mirror = Mirror(
        GitSource(str(repository.folder), allowed_signers=str(file)), folder / "mirror"
    )
    mirror.fetch(60)
    return SignedMirror(mirror, file, public(listed), public(other), commits)


def make_key(path: Path) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path],
        check=True,
    )
    return path


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text().strip()


def alter(
    repository: GitRepository, commit: str, change: tuple[str, str] = ("Sign", "Alter")
) -> str:
    """Return another commit with the signature of a commit, in a branch of its own."""
    content = repository.git("cat-file", "commit", commit) + "\n"
    altered = content.replace(*change).encode()
    found = repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", content=altered
    )
    repository.git("branch", f"altered-{found[:7]}", found)
    return found


def test_a_commit_that_an_allowed_signer_signed_is_allowed(
    signed: SignedMirror,
) -> None:
    signed.mirror.require_allowed(signed.commits["good"])


@pytest.mark.parametrize(
    "name",
    ["unsigned", "unlisted", "in the name of another", "altered", "PGP", "tagged"],
)
def test_any_other_commit_is_refused(signed: SignedMirror, name: str) -> None:
    commit = signed.commits[name]

    with pytest.raises(
        RunnerError, match=f"Commit {commit[:12]} has no valid signature of {ADDRESS}"
    ):
        signed.mirror.require_allowed(commit)


def test_a_commit_that_a_signed_tag_names_is_allowed(signed: SignedMirror) -> None:
    resolved = signed.mirror.resolve("signed-tag")

    signed.mirror.require_allowed(resolved.commit, resolved.ref)


@pytest.mark.parametrize("name", ["annotated", "other-tag", "main"])
def test_a_commit_that_another_ref_names_is_refused(
    signed: SignedMirror, name: str
) -> None:
    resolved = signed.mirror.resolve(name)

    assert signed.commits["tagged"] == resolved.commit
    with pytest.raises(RunnerError, match="no valid signature"):
        signed.mirror.require_allowed(resolved.commit, resolved.ref)


def test_a_signed_tag_allows_the_commit_that_it_names_only(
    signed: SignedMirror,
) -> None:
    with pytest.raises(RunnerError, match="no valid signature"):
        signed.mirror.require_allowed(
            signed.commits["unsigned"], "refs/tags/signed-tag"
        )


def test_a_program_for_other_signatures_is_not_asked(
    signed: SignedMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It would accept every signature, as a key ring of the user may.
    program = tmp_path / "gpg"
    program.write_text("#!/bin/sh\ntouch $0.called\necho '[GNUPG:] GOODSIG A B'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(RunnerError, match="no valid signature"):
        signed.mirror.require_allowed(signed.commits["PGP"])

    assert not (tmp_path / "gpg.called").exists()


@pytest.mark.parametrize(
    ("signers", "allowed"),
    [
        ("*@example.org {key}", True),
        (f"{OTHER},{ADDRESS} {{key}}", True),
        (f"{OTHER} {{key}}\n{ADDRESS} {{key}}", True),
        (f'{ADDRESS} namespaces="git" {{key}}', True),
        (f'{ADDRESS} namespaces="file" {{key}}', False),
        (f'{ADDRESS} valid-before="20200101" {{key}}', False),
        (f"*@example.org,!{ADDRESS} {{key}}", False),
        (f"{OTHER} {{key}}", False),
        (f"{ADDRESS} {{other}}", False),
        ("", False),
    ],
)
def test_the_allowed_signers_file_decides(
    signed: SignedMirror, signers: str, *, allowed: bool
) -> None:
    before = signed.file.read_text()
    signed.file.write_text(signers.format(key=signed.key, other=signed.other) + "\n")
    try:
        signed.mirror.require_allowed(signed.commits["good"])
        found = True
    except RunnerError:
        found = False
    finally:
        signed.file.write_text(before)

    assert allowed == found


def test_a_missing_allowed_signers_file_is_reported(signed: SignedMirror) -> None:
    source = GitSource(signed.mirror.source.url, allowed_signers="/missing/signers")
    mirror = Mirror(source, signed.mirror.git_dir.parent)

    with pytest.raises(RunnerError, match=r"/missing/signers \(No such file"):
        mirror.require_allowed(signed.commits["good"])


def test_lines_are_selected_by_the_address_alone() -> None:
    signers = "# a@x key\n\na@x K1\n  b@x K2\n*@x K3\n?@x K4\n*@x,!a@x K5\nA@x K6\n"

    assert ["a@x K1", "*@x K3", "?@x K4"] == lines_for(signers, "a@x")
    assert [] == lines_for(signers, "")
    assert ["*@x K3"] == lines_for("*@x K3", "*@x")
