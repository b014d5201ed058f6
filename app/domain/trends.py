"""Trends of a service's recent deployments: success rate and durations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from app.domain.deployment import Status


@dataclass(frozen=True, slots=True)
class TrendRun:
    """A deployment that has ended; `seconds` is None if it never started.

    `steps` has the seconds of each successful step, by name and in order.
    """

    number: int
    status: Status
    asked_at: datetime
    seconds: float | None
    steps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StepDuration:
    """The seconds of a step in each run, oldest first; None where it didn't run."""

    name: str
    seconds: Sequence[float | None]
    last: float
    usual: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Trend:
    """The last runs of a service, oldest first.

    `whole` is the duration of successful runs, and None if there are none.
    """

    runs: Sequence[TrendRun]
    outcomes: Mapping[Status, int]
    whole: StepDuration | None
    steps: Sequence[StepDuration]

    @property
    def rate(self) -> float:
        """The share of successful runs, from 0 to 1."""
        return self.outcomes.get(Status.SUCCESSFUL, 0) / len(self.runs)


def trend_of(runs: Sequence[TrendRun]) -> Trend:
    """Summarize runs, which are given oldest first."""
    well = [run for run in runs if run.status is Status.SUCCESSFUL]
    # The order is that of the newest run, followed by the steps of older ones.
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
