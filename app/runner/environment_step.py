"""The first step of a run that needs an execution environment: building it."""

import fcntl
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from .environment_build import Build
from .errors import RunnerError
from .execution_environment import Place, Requirements, place_of
from .journal import ENVIRONMENT_STEP, JournalWriter
from .masking import Masker
from .processes import child, fork
from .watchdog import Watchdog

#: Seconds to wait until the processes of a build that was killed have ended.
_PATIENCE = 10.0
_INTERVAL = 0.05
#: Text that a reader could parse as a line of JSON, whatever it takes for a newline.
_SEPARATORS = re.compile(rb"[\r\v\f\x1c-\x1e\x85]")
#: Builds that end well, after which another process removes the result.
_ATTEMPTS = 3


class Builder:
    """Builds what a run needs in a folder, in a child process."""

    #: The beginning of an error.
    failure = "It can't be built"

    def __init__(
        self, journal: JournalWriter, masker: Masker, watchdog: Watchdog
    ) -> None:
        self._journal = journal
        self._masker = masker
        self._watchdog = watchdog

    def provide_place(self, place: Place, build: Callable[[int], None]) -> Place | None:
        """Return a place, built if necessary; None if the run was stopped.

        This process keeps it from being removed until it ends. Call it before any
        thread is started.

        Args:
            place: The place.
            build: Builds it; its argument is the descriptor of the exclusive lock.

        Raises:
            RunnerError: The build failed.
        """
        try:
            for _ in range(_ATTEMPTS):
                # The descriptor stays open on purpose: it holds the lock.
                if place.use() is not None:
                    return place
                if not self._build(place, build):
                    return None
        except OSError as error:
            raise RunnerError(
                f"{self.failure} in {place.folder} "
                f"({error.strerror}): correct that, and launch again."
            ) from None
        raise RunnerError(f"{place.folder} was removed while the run began.")

    def _build(self, place: Place, build: Callable[[int], None]) -> bool:
        """Build it in a child process; return False if the run was stopped."""
        self._report("running", f"building {place.name}")
        output, reason, pid = _fork(place, build)
        self._watchdog.start(child(pid))
        with os.fdopen(output, "rb") as lines:
            for line in lines:
                self._write(line.rstrip(b"\n"))
        with os.fdopen(reason, "rb") as pipe:
            problem = pipe.read().decode(errors="replace")
        _, status = os.waitpid(pid, 0)
        self._watchdog.finish()
        if not status and self._watchdog.reason is None:
            self._report("success", _describe(place))
            return True
        _remove(place, pid)
        if self._watchdog.reason is not None:
            return False
        code = os.waitstatus_to_exitcode(status)
        problem = problem or f"the build was ended by signal {-code}"
        message = self._masker.text(problem.encode()).decode(errors="replace")
        self._report("failure", message)
        raise RunnerError(f"{self.failure}: {message}")

    def _report(self, state: str, message: str) -> None:
        """Report the build; by default, only its output shows it."""

    def _write(self, line: bytes) -> None:
        text = _SEPARATORS.sub(b" ", self._masker.text(line))
        # A package can print what it likes, but no event or step.
        self._journal.write(b"> " + text if text.lstrip()[:1] == b"{" else text)


class EnvironmentStep(Builder):
    """Provides the execution environment of a run, and reports the build as a step."""

    failure = "The execution environment can't be built"

    def provide(
        self, requirements: Requirements, data: Path, env: Mapping[str, str]
    ) -> Place | None:
        """Return the environment, built if necessary; see `provide_place`."""
        place = place_of(requirements, data)
        return self.provide_place(
            place, lambda lock: Build(place, requirements, env, lock).run()
        )

    def _report(self, state: str, message: str) -> None:
        self._journal.write_object(
            {"name": ENVIRONMENT_STEP, "state": state, "message": message}
        )


def _fork(place: Place, build: Callable[[int], None]) -> tuple[int, int, int]:
    """Start the build; return the pipes of its output and its reason, and the pid."""
    output, printed = os.pipe()
    reason, told = os.pipe()
    pid = fork()
    if not pid:
        # All processes of the build are in this group, so that they can be ended.
        os.setpgid(0, 0)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        _become(place, build, told)
    os.close(printed)
    os.close(told)
    return output, reason, pid


def _remove(place: Place, group: int) -> None:
    """End the processes that a failed build left, and remove its folder.

    They hold the lock until they have ended. If another run is building the environment
    already, the lock keeps its files.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            left = False
        else:
            left = time.monotonic() < deadline
        if place.remove() or not left:
            return
        time.sleep(_INTERVAL)


def _become(place: Place, build: Callable[[int], None], told: int) -> NoReturn:
    """Wait for the lock, build the place unless another run did, and exit."""
    code = 1
    try:
        lock = place.lock(fcntl.LOCK_EX)
        assert lock is not None, "it waits for the lock"
        if not place.complete:
            build(lock)
        code = 0
    except (RunnerError, OSError) as error:
        os.write(told, str(error).encode(errors="replace"))
    except BaseException:  # noqa: BLE001 - no code of the parent may run in the child
        traceback.print_exc()
        os.write(told, b"an error of FastDeploy, see the output")
    finally:
        sys.stdout.flush()
        os._exit(code)


def _describe(place: Place) -> str:
    try:
        about = json.loads((place.folder / "environment.json").read_bytes())
        versions = f"ansible-core {about['ansible_core']}, Python {about['python']}"
    except (OSError, ValueError, KeyError):
        return place.name
    return f"{place.name}: {versions}"
