"""Run git in a closed environment: without hooks, prompts and foreign configuration.

A command reads the configuration of its own git directory and what is passed here.
Only a command that talks to another repository also reads the configuration of the
host and of its user, since credential helpers, proxies and certificates are there.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import environment
from .errors import RunnerError

#: The folder in which commands are called; it isn't in a repository.
ROOT = Path("/")
#: Seconds for a command that only reads the mirror.
PATIENCE = 60.0
#: Seconds after which a command that ignores SIGTERM is killed.
_GRACE = 2.0
#: Seconds between two calls of `watch`.
_TICK = 0.1
#: The maximum length of a message of git within a message of ours.
_MESSAGE = 300
_VARIABLES = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
}
#: The ssh command of a user who has chosen none.
SSH = "ssh -o BatchMode=yes"
_NO_CONFIGURATION = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
#: Variables of the caller that select its credentials.
_CREDENTIALS = ("GIT_SSH_COMMAND", "XDG_CONFIG_HOME")
_SETTINGS = (
    "core.attributesFile=/dev/null",
    "core.fsmonitor=",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    # Objects that a force-push removed are kept: deployments refer to them.
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
)
#: What git prints after the line that explains why a repository can't be reached.
_BOILERPLATE = (
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)


class GitFailed(RunnerError):
    """A git command failed; the message has git's own explanation."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command that has ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


def local_environment() -> dict[str, str]:
    """Return the environment of a command that talks to no other repository."""
    return {**_inherited(), **_VARIABLES, **_NO_CONFIGURATION}


def remote_environment() -> dict[str, str]:
    """Return the environment of a command that talks to another repository.

    ssh asks no questions. Another ssh command, in the environment or in the
    configuration of the user, is kept.
    """
    chosen = {name: os.environ[name] for name in _CREDENTIALS if name in os.environ}
    env = {**_inherited(), **_VARIABLES, **chosen}
    if "GIT_SSH_COMMAND" not in env:
        configured = run(["config", "--get", "core.sshCommand"], env=env)
        if configured.returncode:
            env["GIT_SSH_COMMAND"] = SSH
    return env


def command(
    arguments: Sequence[str], git_dir: Path | None = None, config: Sequence[str] = ()
) -> list[str]:
    """Return the command line of a git command.

    Args:
        arguments: The command and its arguments.
        git_dir: The repository. Git doesn't ask who owns it if it is named.
        config: More settings, as `name=value`.
    """
    settings = [part for each in (*_SETTINGS, *config) for part in ("-c", each)]
    place = [] if git_dir is None else [f"--git-dir={git_dir}"]
    return ["git", "--no-pager", *place, *settings, *arguments]


def run(
    arguments: Sequence[str],
    git_dir: Path | None = None,
    *,
    config: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    content: bytes = b"",
    folder: Path = ROOT,
    umask: int = -1,
    timeout: float = PATIENCE,
    descriptors: Sequence[int] = (),
    watch: Callable[[], None] | None = None,
) -> CommandResult:
    """Run a git command to its end, whatever its exit code is.

    Args:
        arguments: The command and its arguments.
        git_dir: The repository.
        config: More settings, as `name=value`.
        env: The environment; by default `local_environment()`.
        content: Its standard input.
        folder: The folder in which it is called; other paths must be absolute.
        umask: The umask of the command; by default that of this process.
        timeout: Seconds after which the command and its children are ended.
        descriptors: Open descriptors that it inherits.
        watch: Called every 0.1 s; if it raises an error, the command and its children
            are ended.

    Raises:
        GitFailed: There is no git, or the command exceeded its timeout.
    """
    process = _start(
        command(arguments, git_dir, config),
        local_environment() if env is None else env,
        folder,
        umask,
        descriptors,
    )
    with _ending(process):
        found = _communicate(process, content, max(timeout, 0.0), watch)
        if found is None:
            raise GitFailed(f"git {arguments[0]} took more than {timeout:.0f} seconds.")
    stdout, stderr = found
    return CommandResult(process.returncode, stdout, stderr)


def output(
    arguments: Sequence[str],
    git_dir: Path | None = None,
    *,
    config: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    content: bytes = b"",
    folder: Path = ROOT,
    umask: int = -1,
    timeout: float = PATIENCE,
) -> bytes:
    """Return what a git command prints; its arguments are those of `run`.

    Raises:
        GitFailed: The exit code isn't 0; the message has git's explanation.
    """
    done = run(
        arguments, git_dir, config=config, env=env, content=content, folder=folder,
        umask=umask, timeout=timeout,
    )  # fmt: skip
    if done.returncode:
        raise GitFailed(
            f"git {arguments[0]} failed: {explanation(done.stderr, done.returncode)}."
        )
    return done.stdout


def explanation(stderr: bytes, returncode: int) -> str:
    """Return the line in which git says why it failed, without the final period."""
    text = stderr.decode(errors="replace")
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    said = [line for line in lines if line]
    useful = [line for line in said if line not in _BOILERPLATE] or said[:1]
    if not useful:
        return f"exit code {returncode}"
    line = useful[-1].removeprefix("fatal: ").removeprefix("error: ")
    printable = "".join(char if char.isprintable() else " " for char in line)
    return printable[:_MESSAGE].rstrip(". ")


def _start(
    arguments: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    umask: int = -1,
    descriptors: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a command with pipes, in a session of its own: it has no terminal."""
    try:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            umask=umask,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=descriptors,
        )
    except OSError as error:
        raise GitFailed(
            f"Can't run {arguments[0]} ({error.strerror}): install it."
        ) from None


def _communicate(
    process: "subprocess.Popen[bytes]",
    content: bytes,
    timeout: float,
    watch: Callable[[], None] | None,
) -> tuple[bytes, bytes] | None:
    """Return both outputs of a process; None if it exceeded its timeout."""
    deadline = time.monotonic() + timeout
    given: bytes | None = content
    while True:
        left = deadline - time.monotonic()
        try:
            return process.communicate(
                given, timeout=max(left if watch is None else min(left, _TICK), 0.0)
            )
        except subprocess.TimeoutExpired:
            if left <= 0 or watch is None:
                return None
        watch()
        given = None  # what it was given before is still written


@contextlib.contextmanager
def _ending(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End a process and its children if the block is left before they have ended.

    On SIGTERM, git removes its temporary files.
    """
    try:
        yield
    except BaseException:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        raise


def _inherited() -> dict[str, str]:
    found = environment.inherit(os.environ)
    return {**found, "PATH": os.environ.get("PATH") or os.defpath}
