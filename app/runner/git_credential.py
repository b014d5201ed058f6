"""Let git use a credential of FastDeploy for the repository of a project.

A key is only in an ssh-agent, and a token only in a memory file that git and its
children inherit: neither is in an argument, a variable, a file or a URL.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from . import git_command, mirror_size
from .credential_kinds import Kind
from .credentials import Credential
from .errors import RunnerError
from .git_host_key import Refused
from .git_source import scheme_of
from .git_ssh import Ssh
from .masking import Masker
from .ssh_agent import Agent

#: Hosts of which http:// doesn't leave this host.
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: The name of a user for servers that only look at the token.
_TOKEN_USER = "x-access-token"  # noqa: S105 - not a token
_REDIRECTED = re.compile(rb"returned error: 30[12378]\b")
#: What git says with GnuTLS, and with OpenSSL.
_UNTRUSTED = re.compile(rb"certificate verification failed|SSL certificate problem")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")


@dataclass(frozen=True, slots=True)
class Access:
    """With what the repository of a project is fetched."""

    #: A credential of the kinds git-ssh and git-token; None: what git and ssh have for
    #: this user.
    credential: Credential | None = None
    #: The accepted host keys as known_hosts lines.
    known_hosts: str = ""
    #: The project, for which host keys can be accepted; empty for a new one.
    project: str = ""
    #: The maximum size of the mirror in MiB.
    max_mebibytes: int = mirror_size.DEFAULT


#: Returns the access; it is only called for a fetch.
Provider = Callable[[], Access]


@dataclass(frozen=True, slots=True)
class Session:
    """What git commands need to use a credential."""

    env: Mapping[str, str]
    #: More settings of git, as `name=value`.
    config: tuple[str, ...] = ()
    #: Descriptors that the commands inherit.
    descriptors: tuple[int, ...] = ()
    credential: Credential | None = None
    ssh: Ssh | None = None

    def refused_host_key(self, done: git_command.CommandResult) -> Refused | None:
        """Return the host key because of which a command failed, if it was that."""
        return self.ssh.refused(done.stderr) if self.ssh else None

    def explain(self, done: git_command.CommandResult) -> str:
        """Return why a command failed, without a secret and the final period."""
        if self.ssh and (refused := self.ssh.refused(done.stderr)):
            return self.ssh.explain(refused)
        if self.descriptors and _REDIRECTED.search(done.stderr):
            return (
                "it redirects to another address, to which the token isn't sent; use "
                "the URL of that address"
            )
        secrets = self.credential.secrets if self.credential else ()
        # A server may repeat what it was sent.
        said = git_command.explanation(
            Masker(secrets).text(done.stderr), done.returncode
        )
        if not _UNTRUSTED.search(done.stderr):
            return said
        return (
            f"{said}; if a private authority has issued it, name the authority's "
            "certificate with `git config --global http.sslCAInfo FILE`"
        )


@contextlib.contextmanager
def using(access: Access, url: str, timeout: float) -> Iterator[Session]:
    """Yield what the commands need that talk to a repository.

    Args:
        access: The credential and the accepted host keys.
        url: The URL of the repository.
        timeout: Seconds after which a key isn't usable any more, even if this process
            was killed.

    Raises:
        RunnerError: The credential doesn't fit the URL, or the key can't be loaded.
    """
    env = git_command.remote_environment()
    credential, scheme = access.credential, scheme_of(url)
    if credential is not None and credential.kind is Kind.GIT_TOKEN:
        with _token(credential, url) as (config, descriptor):
            yield Session(env, config, (descriptor,), credential)
        return
    if credential is not None and (credential.kind is not Kind.GIT_SSH
                                   or scheme != "ssh"):  # fmt: skip
        raise RunnerError(
            f"{credential.reference} is a key for git over SSH, and {url} isn't "
            "reached by SSH: use ssh://HOST/PATH, or a credential git-token:NAME."
        )
    if scheme != "ssh" or (
        credential is None and env.get("GIT_SSH_COMMAND") != git_command.SSH
    ):
        yield Session(env)
        return
    with tempfile.TemporaryDirectory(prefix="fastdeploy-git-") as name:
        ssh = Ssh(Path(name), access.known_hosts, access.project)
        with _agent(credential, ssh, env, timeout) as options:
            variables = {**env, "GIT_SSH_COMMAND": ssh.command(options)}
            yield Session(variables, credential=credential, ssh=ssh)


@contextlib.contextmanager
def _agent(
    key: Credential | None, ssh: Ssh, env: Mapping[str, str], timeout: float
) -> Iterator[list[str]]:
    """Load a key into an agent of its own; yield the options of ssh that use it."""
    if key is None:
        yield []
        return
    agent = Agent(ssh.folder, env, lifetime=timeout)
    public = ssh.folder / "key.pub"
    try:
        agent.load(key, public)
        yield [
            f"IdentityAgent={agent.socket}", f"IdentityFile={public}",
            "IdentitiesOnly=yes", "PreferredAuthentications=publickey",
        ]  # fmt: skip
    finally:
        agent.end()


@contextlib.contextmanager
def _token(credential: Credential, url: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the settings with which git gets a token, and the descriptor that has it.

    Git asks its credential helper, and only for the scheme, host and port of the URL.
    """
    parts = urlsplit(url) if "://" in url else urlsplit("")
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme != "https" and not (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    ):
        raise RunnerError(
            f"{credential.reference} is a token for HTTPS, and {url} doesn't begin "
            "with https://: correct the URL, or use a credential git-ssh:NAME."
        )
    if not _HOST.fullmatch(host):
        raise RunnerError(f"{host} can't be a host: correct the URL.")
    user = credential.values.get("user") or parts.username or _TOKEN_USER
    answer = f"username={user.strip()}\npassword={credential.main.strip()}\n"
    descriptor = os.memfd_create("fastdeploy-git")
    try:
        os.write(descriptor, answer.encode())
        # Opened by its path, it is read from the beginning each time.
        helper = f'!f() {{ [ "$1" != get ] || cat /dev/fd/{descriptor}; }}; f'
        yield (
            (
                # An empty value removes the helpers of the user's own configuration.
                "credential.helper=",
                f"credential.{parts.scheme}://{host}.helper={helper}",
                # The answer to a redirected request would be the same.
                "http.followRedirects=false",
                "http.sslVerify=true",
            ),
            descriptor,
        )
    finally:
        os.close(descriptor)
