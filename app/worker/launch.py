"""Launch a run as a detached process, independent of the worker.

    runs/<id>/
        run.json    the command, and where its config file is
        journal     stdout and stderr of the run: inherited by the runner of playbooks;
                what a script prints comes through a pipe
        lock        locked (flock) by the wrapper until the run has ended
        pid         the wrapper's process; exists after the wrapper has started
        rc          the exit code; exists after the run has ended

The wrapper is a few lines of shell in a session of its own. It waits for the run,
removes the config file and writes `rc`. The files show the state: without `pid`, the
run never started; with `rc`, it ended; if `lock` is free without `rc`, it vanished.

The disk space of `pid` and `rc` is allocated before the run starts, as `pid.new` and
`rc.new`, so that the outcome of a run that fills the disk is recorded too.
"""

import fcntl
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app import accounts
from app.disk_space import FULL, explain, no_room
from app.domain.deployment import Deployment
from app.domain.run_identity import RunIdentity, identify
from app.domain.service import Service
from app.errors import LaunchFailed
from app.runner.environment import inherit
from app.runner.run_config import Events
from app.runner.stop import MARK
from app.settings import Settings
from app.worker import cgroup

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Descriptor 9 is the lock: the wrapper keeps it, the run doesn't get it. The shell's
# own stderr is discarded, so that it adds no "Killed" to the journal. If a command
# can't be executed, the child prints the error, and its stderr is the journal. This
# needs the subshell: dash would redirect a plain command in the wrapper itself. `1<>`
# overwrites the allocated bytes, so it needs no further disk space. Whether the journal
# had space is checked before removing files frees some. The run starts in its service's
# folder, or in / if this user may not enter it: sudo changes to the folder of its rule.
# The wrapper stays in /, so that it keeps no folder busy. The environment is the
# service's: `command -p` doesn't use its PATH, and no variable is assigned before the
# run, which would inherit it if the service has set it too.
_WRAPPER = """\
cd "$1" && printf '%s\\n' "$$" 1<>pid.new && command -p mv pid.new pid || exit
cd / && exec 2>/dev/null
[ -z "$5" ] || (command -p env -i setsid "$5" -I -S "$6" \\
    <&3 >>"$1/journal" 7>&5 8<&4 3<&- 4<&- 5>&- 9>&- &)
exec 3<&- 4<&- 5>&-
[ -z "$3" ] || echo 0 >"$3/cgroup.procs"
(cd -- "$4"; shift 6; exec "$@" 2>&1 7<&- 8>&- 9>&-)
rc=$? room=
[ -z "$5" ] || { printf . >&8; exec >/dev/null 8>&-; read -r room <&7; }
cd "$1" && { printf '%4096s' >room || room=full; command -p rm -f room; }
command -p rm -f -- "$2"
cd "$1" && printf '%s\\n' "$rc $room" 1<>rc.new && command -p mv rc.new rc
"""
# A script (`$5` is not empty) prints into a pipe that `output_reader.py` reads. The
# reader gets three descriptors: 3 is the pipe; through 4, the wrapper signals that the
# script has ended; it closes 5 when everything is in the journal. The other ends of 4
# and 5 are 8 and 7.
#: The content of `pid.new` and `rc.new` that allocates their disk space: blank, so that
#: it doesn't change the value that overwrites its beginning.
_BLANK = b"\n" * 32
_OUTPUT_READER = Path(__file__).with_name("output_reader.py")
#: The first descriptor above those that the wrapper gets.
_ABOVE_WRAPPERS = 10
#: Size of the pipe in bytes; it buffers bursts, so that the script doesn't block.
_PIPE_SIZE = 1 << 20

#: Maximum length of a script's first line that the kernel reads.
_MAX_FIRST_LINE = 256

_DEFAULT_SIGNALS = [
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGPIPE,
    signal.SIGCHLD,
    # Python ignores SIGXFSZ and SIGPIPE, and a run would inherit that.
    signal.SIGXFSZ,
]


@dataclass(frozen=True, slots=True)
class Run:
    """The folder of one run, and the state that its files show."""

    folder: Path

    @property
    def journal(self) -> Path:
        """The file with the unmodified output of the run."""
        return self.folder / "journal"

    @property
    def begun(self) -> bool:
        """Whether the wrapper has started: otherwise, nothing has been run.

        The wrapper holds its lock before it has written its pid.
        """
        return (self.folder / "pid").exists() or self.alive()

    def exit_code(self) -> int | None:
        """Return the exit code of an ended run, otherwise None."""
        with suppress(FileNotFoundError, ValueError, IndexError):
            return int(self._rc()[0])
        return None

    def filled_disk(self) -> bool:
        """Return whether the disk was full at the end; the journal may be cut off."""
        return "full" in self._rc()

    def _rc(self) -> list[str]:
        return (self.folder / "rc").read_text().split()

    def alive(self) -> bool:
        """Return whether the wrapper still holds its lock."""
        return _is_locked(self.folder / "lock")

    def output_is_read(self) -> bool:
        """Return whether a script's output may still be copied to the journal."""
        return _is_locked(self.journal)

    def remove_config(self) -> None:
        """Remove the config file if the wrapper couldn't."""
        # On a read-only file system, removing even a missing file raises OSError.
        with suppress(OSError, orjson.JSONDecodeError, KeyError):
            about = orjson.loads((self.folder / "run.json").read_bytes())
            Path(about["config"]).unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def run_of(settings: Settings, deployment_id: int) -> Run:
    """Return the run of a deployment on this host, whether or not it was started."""
    return Run(settings.runs / str(deployment_id))


def launch(settings: Settings, deployment: Deployment, secret: dict[str, Any]) -> int:
    """Start the run of a deployment; return the pid of the wrapper, a child process.

    Raises LaunchFailed with the reason of the deployment's outcome.
    """
    run = run_of(settings, deployment.id)
    service = deployment.service
    identity = identify(service.name, service, settings.run_settings, accounts.home)
    program = _program(identity, service)
    try:
        _make_folder(run)
        config = _free_config_path(settings)
        command = [*program, "--config", str(config)]
        # Record the path of the config file before creating it, so that a crash in
        # between leaves no file behind.
        about = orjson.dumps({"config": str(config), "command": command})
        (run.folder / "run.json").write_bytes(about)
        for name in ("pid.new", "rc.new"):
            (run.folder / name).write_bytes(_BLANK)
    except OSError as error:
        raise LaunchFailed(explain(error, settings.runs)) from error
    try:
        _write_config(settings, config, deployment, secret, identity.group)
    except FileExistsError as error:
        # The file isn't this run's. Without run.json, nothing will remove it.
        (run.folder / "run.json").unlink()
        raise LaunchFailed(f"{config}: {error.strerror}") from error
    except OSError as error:
        run.remove_config()
        if error.errno in FULL:
            raise LaunchFailed(no_room(config.parent)) from error
        raise LaunchFailed(f"{config}: {error.strerror}") from error
    except LookupError:
        run.remove_config()
        raise LaunchFailed(
            f"there is no group {identity.group}; register the service on this "
            "host, or set FASTDEPLOY_RUN_GROUP to a group that exists"
        ) from None
    try:
        script = service.playbook is None
        own = _own_environment(service)
        return _spawn(run, config, identity.folder, command, own, script=script)
    except OSError as error:
        run.remove_config()
        if error.errno in FULL:
            raise LaunchFailed(no_room(settings.runs)) from error
        raise LaunchFailed(f"the run can't be started: {error.strerror}") from error


def _program(identity: RunIdentity, service: Service) -> list[str]:
    """Return a service's command without the config file, checked where possible."""
    if identity.user:
        return _as_other_user(identity.user, identity.program)
    if service.playbook is not None:
        # -P: Python imports no module from the working directory.
        folder = str(identity.folder)
        return [sys.executable, "-P", "-m", "app.runner", "--service", folder]
    _require_executable(identity.program)
    return [str(identity.program)]


def _as_other_user(user: str, program: Path) -> list[str]:
    sudo = shutil.which("sudo")
    if sudo is None:
        raise LaunchFailed(f"sudo is not installed, and runs belong to user {user}")
    if accounts.account(user) is None:
        raise LaunchFailed(
            f"there is no user {user}; register the service on this host, "
            "or set FASTDEPLOY_RUN_AS to a user that exists"
        )
    # If this user may access the folder, the error is more specific than sudo's.
    if os.access(program.parent, os.X_OK):
        _require_executable(program)
    return [sudo, "-n", "-u", user, str(program)]


def _require_executable(program: Path) -> None:
    if not program.is_file():
        raise LaunchFailed(f"{program} is missing")
    if not os.access(program, os.X_OK):
        raise LaunchFailed(f"{program} is not executable; fix it with chmod +x")
    interpreter = _interpreter(program)
    if interpreter is not None and not Path(interpreter).is_file():
        # The kernel would report that the program itself doesn't exist.
        raise LaunchFailed(
            f"{program} wants the interpreter {interpreter!r}, which is missing"
        )


def _interpreter(program: Path) -> str | None:
    """Return the absolute interpreter in a script's first line; None if unknown."""
    try:
        with program.open("rb") as file:
            first = file.readline(_MAX_FIRST_LINE)
    except PermissionError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = os.fsdecode(first[2:].rstrip(b"\n")).strip(" \t").split(" ", 1)
    return words[0] if words[0].startswith("/") else None


def _make_folder(run: Run) -> None:
    """Create the run's folder, or reuse that of an incomplete launch."""
    run.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    run.folder.mkdir(exist_ok=True, mode=0o700)
    run.remove_config()


def _free_config_path(settings: Settings) -> Path:
    # The sudoers rules require digits; many, so that other users can't guess the name.
    return settings.config_folder / f"fastdeploy-{secrets.randbelow(10**18):018}.json"


def _write_config(
    settings: Settings,
    path: Path,
    deployment: Deployment,
    secret: dict[str, Any],
    group: str,
) -> None:
    """Write the config file of a run with mode 0640; never overwrite a file.

    Raises FileExistsError, and LookupError if the group doesn't exist.
    """
    service = deployment.service
    content = {
        "deployment_id": deployment.id,
        "service_name": service.name,
        "deploy_script": f"{service.name}/{service.program}",
        "context": {
            "actor": deployment.actor,
            "origin": deployment.origin,
            "variables": deployment.variables | secret,
        },
        "secret_variables": sorted(secret),
        "options": deployment.options.given,
        "environment": service.environment,
        "steps": [{"name": step.name} for step in service.steps],
    }
    # In the file, because sudo would remove it from the run's environment.
    if settings.events is not Events.FASTDEPLOY:
        content["events"] = settings.events
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        if group:
            shutil.chown(path, group=group)
        os.fchmod(file.fileno(), 0o640)
        file.write(orjson.dumps(content))


def _spawn(
    run: Run,
    config: Path,
    folder: Path,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    script: bool,
) -> int:
    """Start the wrapper in its own session, with the journal and the held lock."""
    reader = (sys.executable, str(_OUTPUT_READER)) if script else None
    with ExitStack() as opened:

        def keep(descriptor: int) -> int:
            """Move a descriptor above those that the wrapper gets."""
            moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ABOVE_WRAPPERS)
            os.close(descriptor)
            opened.callback(os.close, moved)
            return moved

        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        output = keep(os.open(run.journal, append, 0o600))
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        lock = keep(os.open(run.folder / "lock", flags, 0o600))
        # Locked here and inherited, so that a living run always holds its lock.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        given = {9: lock}
        if reader:
            given[3], output = map(keep, _output_pipe())
            given[4], given[8] = map(keep, os.pipe())
            given[7], given[5] = map(keep, os.pipe())
        given |= {1: output, 2: output}
        return os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", _WRAPPER, "fastdeploy-run", str(run.folder), str(config),
             str(cgroup.make(run.folder) or ""), str(folder),
             *(reader or ("", "")), *command],
            _environment(run, environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                *((os.POSIX_SPAWN_DUP2, there, here) for here, there in given.items()),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_DEFAULT_SIGNALS,
        )  # fmt: skip


def _output_pipe() -> tuple[int, int]:
    """Create the pipe that a script prints into; return both descriptors."""
    reading, writing = os.pipe()
    # The user of the script may open the pipe again. Others can't: it is accessible
    # only through the descriptors of the script's processes.
    os.fchmod(writing, 0o622)
    with suppress(OSError):  # the system's limit for this user may be lower
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
    return reading, writing


def _own_environment(service: Service) -> Mapping[str, str]:
    """Return the variables that a service adds to the environment of its program.

    For a playbook, the runner is the program. It reads config.json itself, and passes
    `environment` only to ansible-playbook.
    """
    return {} if service.playbook else service.environment


def _environment(run: Run, service: Mapping[str, str]) -> dict[str, str]:
    """Return the run's environment: constructed, not inherited, with the run's mark.

    If runs belong to another user, sudo drops all variables except the mark.
    """
    return {
        "PATH": os.environ.get("PATH", _DEFAULT_PATH),
        "LANG": "C.UTF-8",
        **inherit(os.environ),
        **service,
        MARK: str(run.folder),
    }
