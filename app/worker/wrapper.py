"""The wrapper of a run: a few lines of shell in a session of its own.

It waits for the run, removes the config file and writes `rc`.
"""

import fcntl
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from app.runner.environment import inherit
from app.runner.stop import MARK
from app.worker import cgroup
from app.worker.run import Run

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
_OUTPUT_READER = Path(__file__).with_name("output_reader.py")
#: The first descriptor above those that the wrapper gets.
_ABOVE_WRAPPERS = 10
#: Size of the pipe in bytes; it buffers bursts, so that the script doesn't block.
_PIPE_SIZE = 1 << 20

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


def start(
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
