"""Log in to a host by SSH with a credential, to see whether the host accepts it.

Passwords and keys reach the programs through pipes and an agent: they are in no
argument, in no environment and in no file.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.errors import Conflict, Invalid
from app.runner import ssh_agent
from app.runner.credential_kinds import Kind
from app.runner.credentials import Credential
from app.runner.errors import RunnerError
from app.runner.secret_pipe import secret_pipe

#: Seconds that a host may take to answer, and for everything.
TIMEOUT, PATIENCE = 30, 60
_MAX_ERROR = 300
_HOST = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,252}")
#: sudo without a password, which would accept any.
_NO_PASSWORD = 42
_SUDO = (
    f"sudo -k -n true 2>/dev/null && exit {_NO_PASSWORD}; exec sudo -k -S -p '' true"
)


@dataclass(frozen=True, slots=True)
class Host:
    """A host, and how it is reached."""

    name: str
    port: int = 22
    #: The user to log in as; empty: the credential's, or as ssh's defaults say.
    user: str = ""
    #: A known_hosts file; empty: that of the user who calls this.
    known_hosts: str = ""
    #: Further keys, as known_hosts lines.
    accepted: str = ""


def log_in(credential: Credential, host: Host) -> str:
    """Log in; return a sentence about the success. Raises Conflict and Invalid."""
    done = _ssh(credential, host, "true")
    if done.returncode:
        raise Conflict(f"{host.name} doesn't accept it: {_reason(done, credential)}")
    what = "key" if credential.kind is Kind.SSH else "password"
    return f"{host.name} accepts the {what}{_for(credential, host)}"


def become_root(become: Credential, credential: Credential, host: Host) -> str:
    """Log in and run sudo with a password.

    Return a sentence about the success. Raises Conflict and Invalid.
    """
    done = _ssh(credential, host, _SUDO, f"{become.main}\n")
    where = f"sudo on {host.name}"
    if done.returncode == _NO_PASSWORD:
        raise Conflict(f"{where} needs no password{_for(credential, host)}")
    if done.returncode:
        reason = _reason(done, credential, become)
        raise Conflict(f"{where} doesn't accept it: {reason}")
    return f"{where} accepts the password{_for(credential, host)}"


def _ssh(
    credential: Credential, host: Host, command: str, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a command on a host."""
    if not _HOST.fullmatch(host.name):
        raise Invalid("the host must be a name or an address")
    user = host.user or credential.values.get("user", "")
    if user.startswith("-") or not user.isprintable() or " " in user:
        raise Invalid("the user must be a name without blanks")
    with TemporaryDirectory(prefix="fastdeploy-credential-") as name:
        folder = Path(name)
        accepted = folder / "accepted"
        accepted.write_text(host.accepted)
        options = [
            "StrictHostKeyChecking=yes", "ControlPath=none",
            "NumberOfPasswordPrompts=1",
            f"GlobalKnownHostsFile=/etc/ssh/ssh_known_hosts {accepted}",
            f"Port={host.port}", f"ConnectTimeout={TIMEOUT}",
        ]  # fmt: skip
        if host.known_hosts:
            options.append(f"UserKnownHostsFile={host.known_hosts}")
        way = _by_key if credential.kind is Kind.SSH else _by_password
        with way(credential, folder) as (env, more):
            given = [part for each in options + more for part in ("-o", each)]
            logged_in = ["-l", user] if user else []
            return _run(
                ["ssh", "-F", "none", "-T", *given, *logged_in, "--", host.name,
                 command], env, stdin,
            )  # fmt: skip


@contextmanager
def _by_key(
    key: Credential, folder: Path
) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield the environment and options of ssh that offer a key; an agent has it."""
    env = _environment()
    public = folder / "key.pub"
    options = [
        "BatchMode=yes",
        *ssh_agent.only_with(public),
        *ssh_agent.with_certificate(key, public),
    ]
    try:
        agent = ssh_agent.Agent(folder, env)
        try:
            agent.load(key, public)
            yield {**env, "SSH_AUTH_SOCK": str(agent.socket)}, options
        finally:
            agent.end()
    except RunnerError as error:
        raise Conflict(str(error)) from None


@contextmanager
def _by_password(
    password: Credential, _folder: Path
) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Yield the environment and options with which ssh asks for a password once.

    ssh closes inherited descriptors, so the program that it asks opens the pipe of this
    process.
    """
    with secret_pipe(password.main) as reader:
        env = ssh_agent.asking(f"/proc/{os.getpid()}/fd/{reader}")
        methods = "PreferredAuthentications=password,keyboard-interactive"
        yield {**_environment(), **env}, [methods, "PubkeyAuthentication=no"]


def _environment() -> dict[str, str]:
    return {
        name: os.environ[name]
        for name in ("HOME", "LANG", "PATH")
        if name in os.environ
    }


def _run(
    command: list[str], env: Mapping[str, str], stdin: str
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command, env=env, input=stdin, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", timeout=PATIENCE,
            start_new_session=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise Conflict("ssh isn't installed: install OpenSSH's client") from None
    except subprocess.TimeoutExpired:
        raise Conflict(f"the host didn't answer within {PATIENCE} seconds") from None


def _reason(done: "subprocess.CompletedProcess[str]", *credentials: Credential) -> str:
    """Return the last line of the errors, in which a host could repeat a secret."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit code {done.returncode}"
    if any(text and text in last for one in credentials for text in one.secrets):
        return f"exit code {done.returncode}"
    return "".join(each for each in last if each.isprintable())[:_MAX_ERROR]


def _for(credential: Credential, host: Host) -> str:
    user = host.user or credential.values.get("user", "")
    return f" for {user}" if user else ""
