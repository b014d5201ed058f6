"""Terminate a run: send SIGINT, SIGTERM, then SIGKILL to all of its processes."""

import signal
import time
from dataclasses import asdict
from pathlib import Path

import orjson

from app.domain.deployment import Outcome, Status
from app.log import get
from app.settings import Settings
from app.worker.run import Run
from app.worker.run_processes import RunProcesses

log = get("worker")

#: The signals, each with the seconds to wait afterwards. SIGINT lets ansible-playbook
#: clean up on its hosts, and ends its workers, which a signal to their parent's group
#: doesn't reach.
_STEPS = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0))
#: Seconds until a signal is repeated: SIGKILL, as it misses processes that are being
#: forked; any other signal if it reached no process, as the run may just be starting.
_AGAIN = 0.5
#: Seconds between counts of the remaining processes.
_LOOK_EVERY = 0.25
#: Timeout in seconds for the wrapper to write the exit code when no other process is
#: left.
_WRAPPER_PATIENCE = 10.0


class Termination:
    """The termination of one run, continued by the follower's loop until it is done.

    The outcome is stored in the run's folder before the first signal. A worker that
    resumes the run after a crash continues the termination with the same outcome.
    """

    def __init__(self, settings: Settings, run: Run, outcome: Outcome) -> None:
        self._wanted = outcome
        # An earlier worker that stored the outcome may have sent a signal already.
        self._reached = noted(run) is not None
        self._processes = RunProcesses(settings, run)
        self._run = run
        self._steps = list(_STEPS)
        self._next = self._next_look = time.monotonic()
        #: Since when only the wrapper is left of the run.
        self._alone_since: float | None = None
        try:
            _note(run).write_bytes(orjson.dumps(asdict(outcome)))
        except OSError as error:
            # For instance, the disk is full, which may be why the run is canceled.
            # Without the file, the next worker starts the termination again, because
            # the requested cancellation or the timeout still applies.
            log.warning("ending.unnoted", run=run.folder.name, error=error.strerror)

    @property
    def outcome(self) -> Outcome | None:
        """The outcome of the run; None if it ended before a signal reached it."""
        return self._wanted if self._reached else None

    def press_on(self) -> None:
        """Send the next signal if it is due."""
        now = time.monotonic()
        if now < self._next:
            return
        self._processes.resume_wrapper()
        number, patience = self._steps[0] if self._steps else (signal.SIGKILL, _AGAIN)
        reached = self._processes.signal(number)
        if not reached:
            self._next = now + _AGAIN
            self._end_wrapper(now)
            return
        log.info("run.signaled", run=self._run.folder.name, signal=number.name,
                 processes=reached)  # fmt: skip
        self._reached = True
        self._alone_since = None
        self._steps = self._steps[1:]
        self._next = now + patience

    def nothing_left(self) -> bool:
        """Return whether no process of the run is left.

        Processes are counted every _LOOK_EVERY seconds; in between, it returns False.
        If no signal reached the run, it returns True: the run has ended by itself.
        """
        if not self._reached:
            return True
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + _LOOK_EVERY
        return self._processes.count() == 0

    def _end_wrapper(self, now: float) -> None:
        """Kill a wrapper that writes no exit code although nothing else is left."""
        if self._processes.count():
            # The processes can't be signaled: the stop helper fails.
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif (
            now - self._alone_since > _WRAPPER_PATIENCE
            and self._processes.kill_wrapper()
        ):
            log.warning("wrapper.killed", run=self._run.folder.name)
            self._reached = True


def noted(run: Run) -> Outcome | None:
    """Return the stored outcome of a termination that was started before, if any."""
    try:
        about = orjson.loads(_note(run).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        # An incomplete file was written before any signal was sent.
        return None
    return Outcome(Status(about["status"]), about["reason"])


def _note(run: Run) -> Path:
    return run.folder / "ending"
