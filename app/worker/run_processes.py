"""The processes of one run, as the worker sees and signals them."""

import shutil
import signal
import subprocess
from pathlib import Path

from app.log import get
from app.runner.stop import COUNT, processes_of, signal_run, wrapper_of
from app.settings import Settings
from app.worker.launch import Run

log = get("worker")


class RunProcesses:
    """What a run started, and apart from that its wrapper.

    Where runs belong to another user, the stop helper looks and signals as root. The
    wrapper always belongs to our own user.
    """

    def __init__(self, settings: Settings, run: Run) -> None:
        self._folder = run.folder
        self._helper = settings.stop_helper

    def count(self) -> int:
        """Count what is left of what the run started; the wrapper isn't counted."""
        if self._helper is not None:
            counted = self._ask_helper(self._helper, COUNT)
            if counted is not None:
                return counted
        return len(processes_of(self._folder))

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to all that the run started; returns how many it reached."""
        if self._helper is None:
            return signal_run(self._folder, number)
        return self._ask_helper(self._helper, number.name.removeprefix("SIG")) or 0

    def resume_wrapper(self) -> None:
        """Let the wrapper continue if it was stopped: it writes the exit code."""
        wrapper = wrapper_of(self._folder)
        if wrapper is not None and wrapper.stopped:
            log.warning("wrapper.stopped", run=self._folder.name)
            wrapper.process.send(signal.SIGCONT)

    def kill_wrapper(self) -> bool:
        """Kill the wrapper; tells whether it was there."""
        wrapper = wrapper_of(self._folder)
        return wrapper is not None and wrapper.process.send(signal.SIGKILL)

    def _ask_helper(self, helper: Path, what: str) -> int | None:
        """Let root do it: runs belong to another user. None if that is refused."""
        done = subprocess.run(
            [shutil.which("sudo") or "sudo", "-n", str(helper),
             str(self._folder), what],
            check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            # Recording goes on all the same, and the run may still end by itself.
            log.error("stop.refused", run=self._folder.name, helper=helper,
                      error=done.stderr.strip())  # fmt: skip
            return None
        return int(done.stdout)
