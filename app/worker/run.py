"""The folder of a run, and the state that its files show.

    runs/<id>/
        run.json    the command, and where its config file is
        journal     stdout and stderr of the run: inherited by the runner of playbooks;
                    what a script prints comes through a pipe
        lock        locked (flock) by the wrapper until the run has ended
        pid         the wrapper's process; exists after the wrapper has started
        rc          the exit code; exists after the run has ended

Without `pid`, the run never started; with `rc`, it ended; if `lock` is free without
`rc`, it vanished.
"""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.settings import Settings


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
