"""Count and signal the processes of one run."""

import shutil
import signal
import subprocess
from pathlib import Path

from app.log import get
from app.runner.stop import COUNT, processes_of, signal_run, wrapper_of
from app.settings import Settings
from app.worker.run import Run

log = get("worker")


class RunProcesses:
    """The processes that a run started, and separately its wrapper.

    If runs belong to another user, the stop helper counts and signals processes as
    root. The wrapper always belongs to FastDeploy's own user.
    """

    def __init__(self, settings: Settings, run: Run) -> None:
        self._folder = run.folder
        self._helper = settings.stop_helper

    def count(self) -> int:
        """Count the remaining processes of the run, without the wrapper."""
        if self._helper is not None:
            counted = self._ask_helper(self._helper, COUNT)
            if counted is not None:
                return counted
        return len(processes_of(self._folder))

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to all processes of the run; return how many it reached."""
        if self._helper is None:
            return signal_run(self._folder, number)
        return self._ask_helper(self._helper, number.name.removeprefix("SIG")) or 0

    def resume_wrapper(self) -> None:
        """Resume a stopped wrapper (SIGCONT), so that it can write the exit code."""
        wrapper = wrapper_of(self._folder)
        if wrapper is not None and wrapper.stopped:
            log.warning("wrapper.stopped", run=self._folder.name)
            wrapper.process.send(signal.SIGCONT)

    def kill_wrapper(self) -> bool:
        """Kill the wrapper; return whether it existed."""
        wrapper = wrapper_of(self._folder)
        return wrapper is not None and wrapper.process.send(signal.SIGKILL)

    def _ask_helper(self, helper: Path, what: str) -> int | None:
        """Run the stop helper as root; return None if it fails."""
        done = subprocess.run(
            [shutil.which("sudo") or "sudo", "-n", str(helper),
             str(self._folder), what],
            check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            # Recording continues, and the run may still end by itself.
            log.error("stop.refused", run=self._folder.name, helper=helper,
                      error=done.stderr.strip())  # fmt: skip
            return None
        return int(done.stdout)
