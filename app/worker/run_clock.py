"""The clock of a run: it goes on evenly, also when the host's clock is moved."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.duration import seconds_between
from app.runner.processes import boot_clock
from app.runner.stop import wrapper_of
from app.worker.launch import Run

#: Seconds by which a recorded start and the host's clock may disagree, say since the
#: launch took so long. More than that, and the clock was moved.
TOLERANCE = 60.0


@dataclass(frozen=True, slots=True)
class RunClock:
    """Tells the time of a run: `age` seconds after its start it was `at`.

    From there on the boot clock counts, which nobody can set: see `clock_gettime(2)`.
    """

    age: float
    at: datetime
    _read: float

    def elapsed(self) -> float:
        """Seconds since the run was started."""
        return self.age + boot_clock() - self._read

    def now(self) -> datetime:
        """The time, consistent with the recorded start of the run."""
        return self.at + timedelta(seconds=boot_clock() - self._read)


def clock_of(run: Run, started_at: datetime) -> RunClock:
    """Return the clock of a run that was started at `started_at`, as it is recorded.

    A worker that takes over a run asks the kernel for the age of the run's wrapper, so
    the time limit doesn't depend on how the clock was moved meanwhile. Without a
    wrapper there is no limit to keep.
    """
    wrapper = wrapper_of(run.folder)
    now = datetime.now(UTC)
    age = seconds_between(started_at, now) if wrapper is None else wrapper.process.age
    return RunClock(age, reconcile(started_at, age, now), boot_clock())


def reconcile(started_at: datetime, age: float, now: datetime) -> datetime:
    """Return the time at which a run has that age, if the host's clock says `now`."""
    expected = started_at + timedelta(seconds=age)
    moved = abs((now - expected).total_seconds()) > TOLERANCE
    return expected if moved else max(now, started_at)
