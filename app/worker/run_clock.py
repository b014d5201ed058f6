"""The clock of a run: it is monotonic, also if the host's clock is set."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.duration import seconds_between
from app.runner.processes import boot_clock
from app.runner.stop import wrapper_of
from app.worker.run import Run

#: Maximum seconds by which a recorded start and the host's clock may differ, for
#: instance because of a slow launch. If they differ by more, the clock was set.
TOLERANCE = 60.0


@dataclass(frozen=True, slots=True)
class RunClock:
    """The time of a run: `age` seconds after its start, it was `at`.

    From there, the boot clock counts, which can't be set: see `clock_gettime(2)`.
    """

    age: float
    at: datetime
    _read: float

    def elapsed(self) -> float:
        """Return the seconds since the run was started."""
        return self.age + boot_clock() - self._read

    def now(self) -> datetime:
        """Return the time, consistent with the recorded start of the run."""
        return self.at + timedelta(seconds=boot_clock() - self._read)


def clock_of(run: Run, started_at: datetime) -> RunClock:
    """Return the clock of a run with the recorded start `started_at`.

    A worker that resumes a run reads the age of the run's wrapper from the kernel, so
    the timeout doesn't depend on changes of the clock. Without a wrapper, no timeout
    applies.
    """
    wrapper = wrapper_of(run.folder)
    now = datetime.now(UTC)
    age = seconds_between(started_at, now) if wrapper is None else wrapper.process.age
    return RunClock(age, reconcile(started_at, age, now), boot_clock())


def reconcile(started_at: datetime, age: float, now: datetime) -> datetime:
    """Return the time at which a run has this age.

    This is the host's `now`, unless the clock was set since the start of the run.
    """
    expected = started_at + timedelta(seconds=age)
    moved = abs((now - expected).total_seconds()) > TOLERANCE
    return expected if moved else max(now, started_at)
