"""Apply events to steps, and read their states."""

from datetime import timedelta
from itertools import count

from app.domain.events import (
    JournalEvent,
    StepReported,
    StepState,
    TaskResult,
)
from app.domain.steps import Step, Steps
from testing.factories import NOW

OK, CHANGED, FAILED = TaskResult.OK, TaskResult.CHANGED, TaskResult.FAILED
IGNORED, UNREACHABLE = TaskResult.IGNORED, TaskResult.UNREACHABLE


def report(name: str, state: str, message: str = "") -> StepReported:
    """Return the event with which a script reports a step."""
    return StepReported(name, StepState(state), message, "{}")


def fold(steps: Steps, *events: JournalEvent) -> list[int | None]:
    """Apply the events, one a second; return the position each belongs to."""
    seconds = count(1)
    return [steps.apply(e, NOW + timedelta(seconds=next(seconds))) for e in events]


def states(steps: Steps) -> dict[str, str]:
    """Return the state of each step by its name."""
    return {step.name: step.state.value for step in steps}


def named(steps: Steps, name: str) -> Step:
    """Return the first step with a name."""
    return next(step for step in steps if step.name == name)
