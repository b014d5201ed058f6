"""Ending a run before it has ended by itself: INT, TERM, then KILL, to all of it."""

import signal
import time
from dataclasses import asdict
from pathlib import Path

import orjson

from app.domain.deployment import Outcome, Status
from app.log import get
from app.settings import Settings
from app.worker.launch import Run
from app.worker.run_processes import RunProcesses

log = get("worker")

#: What a run is told, and the seconds it then has. SIGINT lets ansible-playbook clean
#: up on its hosts, and ends its workers, which no signal to their parent's group does.
_STEPS = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0))
#: Seconds until a signal is sent again: SIGKILL, since what was forking meanwhile is
#: found the next time; any other if it reached nobody, since the run only begins.
_AGAIN = 0.5
#: Seconds between two looks for what is left.
_LOOK_EVERY = 0.25
#: Seconds that the wrapper has to write the exit code when nothing else is left.
_WRAPPER_PATIENCE = 10.0


class Termination:
    """The end of one run, pressed on from the follower's loop until nothing is left.

    What it is ended for is noted in the run's folder before the first signal: whoever
    follows the run after a crash goes on ending it, and judges it as we would.
    """

    def __init__(self, settings: Settings, run: Run, outcome: Outcome) -> None:
        self._wanted = outcome
        # Who noted it before us may have sent a signal already.
        self._reached = noted(run) is not None
        self._processes = RunProcesses(settings, run)
        self._run = run
        self._steps = list(_STEPS)
        self._next = self._next_look = time.monotonic()
        #: Since when nothing but the wrapper was seen of the run.
        self._alone_since: float | None = None
        try:
            _note(run).write_bytes(orjson.dumps(asdict(outcome)))
        except OSError as error:
            # Say, its disk is full, which may well be why it is to end. Without a note
            # the next worker begins to end it anew: the wish and the limit stay.
            log.warning("ending.unnoted", run=run.folder.name, error=error.strerror)

    @property
    def outcome(self) -> Outcome | None:
        """What the run ended for; None if it ended before a signal reached it."""
        return self._wanted if self._reached else None

    def press_on(self) -> None:
        """Send the next signal if its time has come."""
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
        """Whether no process of the run is there; looks now and then, else says no.

        What was never reached is not waited for: it ends by itself.
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
            # They can't be reached: the stop helper refuses.
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
    """What the run is being ended for, if that was begun before."""
    try:
        about = orjson.loads(_note(run).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        # Half a note was written before any signal was sent.
        return None
    return Outcome(Status(about["status"]), about["reason"])


def _note(run: Run) -> Path:
    return run.folder / "ending"
