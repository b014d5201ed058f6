"""Verify the SSH signature of a commit or tag with an allowed signers file."""

import re
import tempfile
from pathlib import Path

from . import git_command
from .errors import RunnerError
from .git_source import TAGS

#: Only signatures of ssh-keygen count. Git would verify others with the key ring of the
#: user, which isn't what the allowed signers file says.
_SSH_ONLY = (
    "gpg.format=ssh",
    "gpg.ssh.program=ssh-keygen",
    "gpg.program=false",
    "gpg.openpgp.program=false",
    "gpg.x509.program=false",
)


def require(git_dir: Path, allowed_signers: Path, commit: str, ref: str = "") -> None:
    """Raise an error unless a commit, or the annotated tag that names it, is signed.

    The key must be listed for the address of the committer or tagger. Otherwise, each
    signer could sign in the name of the others.

    Args:
        git_dir: The mirror.
        allowed_signers: An allowed signers file of OpenSSH.
        commit: The hash of a commit.
        ref: The full name of the ref that was resolved to the commit, if any.

    Raises:
        RunnerError: The signature is missing or invalid, or the file can't be read.
    """
    try:
        signers = allowed_signers.read_text(errors="surrogateescape")
    except OSError as error:
        raise RunnerError(
            f"Can't read the allowed signers {allowed_signers} ({error.strerror}): "
            "correct the path."
        ) from None
    committer = _committer(git_dir, commit)
    if _verifies(git_dir, ["verify-commit", commit], signers, committer):
        return
    tag = _tag(git_dir, ref, commit)
    if tag and _verifies(git_dir, ["verify-tag", tag], signers, _tagger(git_dir, ref)):
        return
    raise RunnerError(
        f"Commit {commit[:12]} has no valid signature of "
        f"{committer or 'its committer'}: sign it with an SSH key that "
        f"{allowed_signers} lists for this address."
    )


def lines_for(signers: str, address: str) -> list[str]:
    """Return the lines of an allowed signers file that are for an e-mail address."""
    return [
        line
        for line in signers.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
        if _matches(line.lstrip().split(maxsplit=1)[0].strip('"'), address)
    ]


def _matches(patterns: str, address: str) -> bool:
    """Return whether a pattern list of OpenSSH matches; `!` excludes an address."""
    if not address:
        return False
    found = False
    for pattern in patterns.split(","):
        excluded = pattern.startswith("!")
        wildcards = re.escape(pattern.removeprefix("!"))
        wildcards = wildcards.replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(wildcards, address, re.DOTALL):
            if excluded:
                return False
            found = True
    return found


def _verifies(git_dir: Path, arguments: list[str], signers: str, address: str) -> bool:
    lines = lines_for(signers, address)
    if not lines:
        return False
    with tempfile.NamedTemporaryFile("w", errors="surrogateescape") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        config = (*_SSH_ONLY, f"gpg.ssh.allowedSignersFile={file.name}")
        # The output contains "Good signature" even for a key that isn't allowed.
        return git_command.run(arguments, git_dir, config=config).returncode == 0


def _committer(git_dir: Path, commit: str) -> str:
    printed = git_command.output(["log", "-1", "--format=%ce", commit, "--"], git_dir)
    return printed.decode(errors="surrogateescape").strip()


def _tag(git_dir: Path, ref: str, commit: str) -> str:
    """Return the hash of the annotated tag if the ref is one and names the commit."""
    if not ref.startswith(TAGS):
        return ""
    found = [
        git_command.output(
            ["rev-parse", "--verify", "--end-of-options", name], git_dir
        ).decode().strip()
        for name in (ref, f"{ref}^{{commit}}")
    ]  # fmt: skip
    return found[0] if found[0] != found[1] == commit else ""


def _tagger(git_dir: Path, ref: str) -> str:
    printed = git_command.output(
        ["for-each-ref", "--count=1", "--format=%(taggeremail:trim)", ref], git_dir
    )
    return printed.decode(errors="surrogateescape").strip()
