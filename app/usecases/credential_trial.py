"""Try a credential: is it what a host accepts?

Passwords and keys reach the programs through pipes and an agent: they are in no
argument, in no environment and in no file.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.credential import Home, require_reference
from app.encryption import SecretBox
from app.errors import Conflict, Invalid, NotFound
from app.runner.credential_kinds import Kind
from app.store import audit, credentials
from app.store.store import Store

#: Seconds that a host may take.
TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Target:
    """Where a credential is tried."""

    host: str = ""
    port: int = 22
    user: str = ""
    #: A known_hosts file; empty: that of the user who calls this.
    known_hosts: str = ""
    #: A file that ansible-vault has encrypted.
    file: Path | None = None


def try_on(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    reference: str,
    target: Target,
) -> str:
    """Try a stored credential on a host; return a sentence about its success.

    A credential without anything to try it on is decrypted only.

    Raises:
        NotAllowed: The actor may not manage credentials.
        NotFound: There is no such credential.
        Invalid: The target doesn't fit.
        Conflict: The host or the program refused it, with the reason.
    """
    actor.require(Permission.CREDENTIALS)
    kind, _ = require_reference(reference)
    with store.begin() as db:
        found = credentials.find_some(db, [reference]).get(reference)
        if found is None:
            raise NotFound(f"there is no credential {reference}")
        audit.note(db, actor, Action.TEST_CREDENTIAL, reference)
    if found.credential.home is not Home.STORED:
        raise Conflict(
            f"{reference} is {found.credential.home}: FastDeploy doesn't have its value"
        )
    values = secret_box.open(found.sealed)
    if kind is Kind.VAULT and target.file:
        return _vault(values["password"], target.file)
    if kind is not Kind.SSH:
        return f"{reference} can be decrypted; only a run shows whether a host takes it"
    if not target.host:
        raise Invalid("give the host to try it on: --host")
    return _ssh(values, target)


def _ssh(values: Mapping[str, str], target: Target) -> str:
    """Log in with a key. Raises Conflict."""
    user = target.user or values.get("user", "")
    where = f"{user}@{target.host}" if user else target.host
    if where.startswith("-"):
        raise Invalid("a host can't begin with a hyphen")
    with TemporaryDirectory(prefix="fastdeploy-credential-") as name:
        folder = Path(name)
        with _agent(folder, values) as env:
            options = [
                "BatchMode=yes",
                "IdentitiesOnly=yes",
                "StrictHostKeyChecking=yes",
                f"IdentityFile={folder / 'key.pub'}",
                f"Port={target.port}",
                f"ConnectTimeout={TIMEOUT}",
                "ControlPath=none",
            ]
            if values.get("certificate"):
                (folder / "key-cert.pub").write_text(values["certificate"])
                options.append(f"CertificateFile={folder / 'key-cert.pub'}")
            if target.known_hosts:
                options.append(f"UserKnownHostsFile={target.known_hosts}")
            arguments = [part for option in options for part in ("-o", option)]
            done = _run(["ssh", "-F", "none", *arguments, "--", where, "true"], env)
    if done.returncode == 0:
        return f"{target.host} accepts the key" + (f" for {user}" if user else "")
    raise Conflict(f"{target.host} doesn't accept it: {_last_line(done)}")


def _vault(password: str, file: Path) -> str:
    """Decrypt a file of ansible-vault, without showing it. Raises Conflict."""
    reading, writing = os.pipe()
    try:
        # A pipe holds 64 KiB, more than a password may have.
        os.write(writing, f"{password}\n".encode())
        os.close(writing)
        program = Path(sys.executable).with_name("ansible-vault")
        key = f"/dev/fd/{reading}"
        done = subprocess.run(
            [program, "decrypt", "--vault-password-file", key, "--output", "-", "--",
             file],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", timeout=2 * TIMEOUT,
            check=False, pass_fds=[reading],
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Conflict(
            f"ansible-vault took longer than {2 * TIMEOUT} seconds"
        ) from None
    finally:
        os.close(reading)
    if done.returncode != 0:
        raise Conflict(f"it doesn't decrypt {file}: {_last_line(done)}")
    return f"it decrypts {file}"


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit code {done.returncode}"


@contextmanager
def _agent(folder: Path, values: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run an ssh-agent with a key; yield the environment of its clients."""
    env = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in
           os.environ} | {"SSH_AUTH_SOCK": str(folder / "agent")}  # fmt: skip
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", env["SSH_AUTH_SOCK"]],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as agent:  # fmt: skip
        assert agent.stdout is not None
        # It prints this once its socket is ready.
        agent.stdout.readline()
        try:
            _load(folder, values, env)
            listed = _run(["ssh-add", "-L"], env)
            (folder / "key.pub").write_text(listed.stdout)
            yield env
        finally:
            agent.terminate()


def _load(folder: Path, values: Mapping[str, str], env: Mapping[str, str]) -> None:
    """Load a key into the agent: by pipes, so that nothing of it is on the disk."""
    reading, writing = os.pipe()
    try:
        os.write(writing, f"{values.get('passphrase', '')}\n".encode())
        os.close(writing)
        ask = folder / "askpass"
        # It answers once: at the second attempt, the pipe is empty.
        ask.write_text(
            f"#!/bin/sh\nIFS= read -r text </dev/fd/{reading} || exit 1\n"
            'printf "%s\\n" "$text"\n'
        )
        ask.chmod(0o700)
        done = subprocess.run(
            ["ssh-add", "-q", "-"],
            input=values["private_key"], text=True, capture_output=True, check=False,
            env={**env, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"},
            pass_fds=[reading], start_new_session=True, timeout=TIMEOUT,
        )  # fmt: skip
    finally:
        os.close(reading)
    if done.returncode != 0:
        raise Conflict("ssh-add doesn't accept the key: replace the credential")


def _run(
    command: Sequence[str], env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=2 * TIMEOUT, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise Conflict(f"{command[0]} isn't installed: install OpenSSH's client"
                       ) from None  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Conflict(f"the host didn't answer within {2 * TIMEOUT} seconds") from None
