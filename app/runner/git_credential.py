"""Let git use a credential of FastDeploy: an SSH key that only an ssh-agent has."""

import contextlib
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from .credential_kinds import Kind
from .credentials import Credential
from .errors import RunnerError
from .ssh_agent import Agent

_USER_KNOWN_HOSTS = "~/.ssh/known_hosts ~/.ssh/known_hosts2"


@contextlib.contextmanager
def using(
    credential: Credential | None, env: Mapping[str, str], known_hosts: str = ""
) -> Iterator[dict[str, str]]:
    """Yield the environment of git commands that use a credential.

    Args:
        credential: A key of the kind git-ssh; None: what the user has.
        env: The environment of the commands.
        known_hosts: Host keys to accept, besides those that the user accepts.

    Raises:
        RunnerError: It is of another kind, or the key can't be loaded.
    """
    if credential is None:
        yield dict(env)
        return
    if credential.kind is not Kind.GIT_SSH:
        raise RunnerError(
            f"git can't use {credential.reference}: name a credential of the kind "
            f"{Kind.GIT_SSH}."
        )
    with tempfile.TemporaryDirectory(prefix="fastdeploy-git-") as name:
        folder = Path(name)
        public, hosts = folder / "key.pub", folder / "known_hosts"
        hosts.write_text(known_hosts)
        agent = Agent(folder, env)
        try:
            agent.load(credential, public)
            yield {**env, "GIT_SSH_COMMAND": _ssh(agent.socket, public, hosts)}
        finally:
            agent.end()


def _ssh(agent: Path, public: Path, hosts: Path) -> str:
    """Return the ssh command: one key, known hosts only, no questions."""
    options = (
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        f"IdentityAgent={agent}",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={hosts} {_USER_KNOWN_HOSTS}",
    )
    parts = [part for option in options for part in ("-o", option)]
    return shlex.join(["ssh", "-i", str(public), *parts])
