"""How a service's deployments went of late: how often well, and how long they took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from app.domain.deployment import Status


@dataclass(frozen=True, slots=True)
class TrendRun:
    """A deployment that has ended; `seconds` is None if it never started.

    `steps` has the seconds of each step that ended well, by its name, in their order.
    """

    number: int
    status: Status
    asked_at: datetime
    seconds: float | None
    steps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StepDuration:
    """What something took in each run, oldest first; None where it did not happen."""

    name: str
    seconds: Sequence[float | None]
    last: float
    usual: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The last runs of a service, oldest first.

    `whole` is about those that succeeded, and None if none has.
    """

    runs: Sequence[TrendRun]
    outcomes: Mapping[Status, int]
    whole: StepDuration | None
    steps: Sequence[StepDuration]

    @property
    def rate(self) -> float:
        """The share that succeeded, from 0 to 1."""
        return self.outcomes.get(Status.SUCCESSFUL, 0) / len(self.runs)


def trend_of(runs: Sequence[TrendRun]) -> Trend:
    """Sum up runs, which are given oldest first."""
    well = [run for run in runs if run.status is Status.SUCCESSFUL]
    # In the order of the newest run that has them.
    names = dict.fromkeys(name for run in reversed(well) for name in run.steps)
    counted = dict.fromkeys(Status, 0)
    for run in runs:
        counted[run.status] += 1
    steps = [_spent(name, [run.steps.get(name) for run in well]) for name in names]
    return Trend(
        runs=runs,
        outcomes={status: count for status, count in counted.items() if count},
        whole=_spent("all of it", [run.seconds for run in well]),
        steps=[found for found in steps if found is not None],
    )


def _spent(name: str, seconds: Sequence[float | None]) -> StepDuration | None:
    known = [value for value in seconds if value is not None]
    if not known:
        return None
    return StepDuration(name, seconds, known[-1], median(known), max(known))
