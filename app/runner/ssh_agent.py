"""An ssh-agent for one run: it alone has the private keys, which are never on disk."""

import base64
import math
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .credentials import Credential
from .errors import RunnerError
from .processes import Process, child
from .secret_pipe import secret_pipe

_ASKPASS = Path(__file__).with_name("askpass")
#: Seconds for the agent to listen, for a key to be loaded, and for an answer.
_START_PATIENCE = 30.0
_KEY_PATIENCE = 20.0
_ANSWER_PATIENCE = 10.0
_TICK = 0.001
#: Ends an agent when this process closes a pipe, which the kernel does if it is killed.
#: The agent itself can't ask for a signal then (PR_SET_PDEATHSIG): it is setgid.
_GUARD = '"$@" & read -r _; kill $!; wait $!'
# The agent's protocol: draft-miller-ssh-agent.
_REQUEST_IDENTITIES = b"\x00\x00\x00\x01\x0b"
_IDENTITIES_ANSWER = 12


class Agent:
    """An ssh-agent, a child of this process. Call `end` when it isn't needed."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], *, lifetime: float | None = None
    ) -> None:
        """Start it.

        Args:
            folder: The folder of its socket, which only this user may enter.
            env: Its environment.
            lifetime: Seconds after which it forgets a key. It ends with this process
                then. None: a keeper ends it; see `keeper.py`.

        Raises:
            RunnerError: There is no ssh-agent or ssh-add.
        """
        self.socket = folder / "agent"
        self._env = {**env, "SSH_AUTH_SOCK": str(self.socket)}
        self._add = _program("ssh-add", env)
        command = [_program("ssh-agent", env), "-D", "-a", str(self.socket)]
        guarded = lifetime is not None
        if lifetime is not None:
            limit = ["-t", str(math.ceil(lifetime))]
            command = ["/bin/sh", "-c", _GUARD, "sh", *command, *limit]
        self._child = subprocess.Popen(
            command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            stdin=subprocess.PIPE if guarded else subprocess.DEVNULL,
        )  # fmt: skip
        self.process: Process = child(self._child.pid)
        self._known: set[bytes] = set()

    def load(self, key: Credential, public: Path) -> None:
        """Load a private key, and write its public key to a file.

        Raises:
            RunnerError: It isn't a private key, its passphrase is missing or wrong, or
                its certificate belongs to another key.
        """
        self._wait_until_it_listens(key.reference)
        self._load(key)
        for blob in self._identities():
            if blob not in self._known:
                self._known.add(blob)
                public.write_text(_line(blob))

    def end(self) -> None:
        """End the agent and wait for it; it forgets the keys and removes its socket."""
        if self._child.stdin is None:
            self._child.terminate()
        else:
            self._child.stdin.close()
        self._child.wait()

    def _wait_until_it_listens(self, reference: str) -> None:
        deadline = time.monotonic() + _START_PATIENCE
        while True:
            with suppress(OSError), self._connect():
                return
            if self._child.poll() is not None or time.monotonic() > deadline:
                raise RunnerError(
                    f"ssh-agent doesn't start, and {reference} needs it: run "
                    f"`ssh-agent -D` as this user to see the reason."
                )
            time.sleep(_TICK)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_ANSWER_PATIENCE)
            connection.connect(str(self.socket))
        except OSError:
            connection.close()
            raise
        return connection

    def _load(self, key: Credential) -> None:
        with secret_pipe(key.values.get("passphrase", "")) as reader:
            try:
                done = subprocess.run(
                    [self._add, "-q", "-"],
                    env={**self._env, **asking(f"/dev/fd/{reader}")},
                    input=_normalized(key.main),
                    pass_fds=[reader],
                    capture_output=True,
                    timeout=_KEY_PATIENCE,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise RunnerError(
                    f"{key.reference} could not be loaded within {_KEY_PATIENCE:.0f} "
                    "seconds: check its passphrase."
                ) from None
        if done.returncode:
            raise RunnerError(_refusal(key, done.stderr))

    def _identities(self) -> list[bytes]:
        """Return the public keys that the agent has, in the order of their loading."""
        with self._connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(_REQUEST_IDENTITIES)
            answer = answers.read(int.from_bytes(answers.read(4)))
        assert answer[0] == _IDENTITIES_ANSWER, "ssh-agent lists its keys"
        rest = memoryview(answer)[5:]
        blobs = []
        while rest:
            blob, rest = _string(rest)
            _, rest = _string(rest)  # the comment
            blobs.append(blob)
        return blobs


def only_with(public: Path) -> list[str]:
    """Return the options with which ssh offers one of the agent's keys and no other."""
    return ["IdentitiesOnly=yes", f"IdentityFile={public}"]


def with_certificate(key: Credential, public: Path) -> list[str]:
    """Return the options with which ssh offers a key's certificate, if it has one.

    The certificate is written into a file beside the public key.
    """
    certificate = key.values.get("certificate")
    if not certificate:
        return []
    path = public.with_suffix(".cert")
    path.write_text(certificate.strip() + "\n")
    return [f"CertificateFile={path}"]


def asking(path: str) -> dict[str, str]:
    """Return the variables with which OpenSSH reads a passphrase or password.

    `path` is a pipe from which it can be read once.
    """
    return {
        "SSH_ASKPASS": str(_ASKPASS),
        "SSH_ASKPASS_REQUIRE": "force",
        "FASTDEPLOY_PASSPHRASE": path,
    }


def _refusal(key: Credential, errors: bytes) -> str:
    """Return why ssh-add doesn't load a key; its words never have a part of the key."""
    if b"Error loading key" in errors and b"passphrase" not in errors:
        return (
            f"{key.reference} is not a private key that ssh-add can read: add the "
            "whole content of the file, with its first and last line."
        )
    if "passphrase" in key.values:
        return f"The passphrase of {key.reference} doesn't open its key: correct it."
    return f"{key.reference} is a key with a passphrase: add the passphrase too."


def _normalized(key: str) -> bytes:
    """Return a key as ssh-add reads it: forms send CRLF, and omit the last newline."""
    lines = [line.strip() for line in key.strip().splitlines()]
    return "".join(f"{line}\n" for line in lines).encode()


def _line(blob: bytes) -> str:
    """Return a public key as the line of a file."""
    kind, _ = _string(memoryview(blob))
    return f"{kind.decode()} {base64.b64encode(blob).decode()}\n"


def _string(content: memoryview) -> tuple[bytes, memoryview]:
    end = 4 + int.from_bytes(content[:4])
    return bytes(content[4:end]), content[end:]


def _program(name: str, env: Mapping[str, str]) -> str:
    found = shutil.which(name, path=env["PATH"])
    if not found:
        raise RunnerError(
            f"There is no {name} in PATH, and a key needs it: install openssh-client."
        )
    return found
