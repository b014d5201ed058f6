"""What launches a project's service by itself: each environment has its own.

These are schedules, and the rules for pushes.
"""

from collections.abc import Iterator, Sequence

from app.domain.push import PushRule
from app.domain.schedule import Schedule
from app.domain.service import Service


def problems(
    service: Service, known: Sequence[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the problems with environments, each with its place in the service.

    `known` has the environments of the service.
    """
    for number, schedule in enumerate(service.schedules):
        if problem := _problem(schedule, "schedule", known):
            yield ("schedules", number), problem
    for number, rule in enumerate(service.on_push):
        if problem := _problem(rule, "rule", known):
            yield ("on_push", number), problem


def _problem(each: Schedule | PushRule, what: str, known: Sequence[str]) -> str:
    if each.environment and each.environment not in known:
        return (
            f'"{each.environment}" is not an environment of the service (there '
            f"are: {', '.join(known) or 'none'})"
        )
    if not each.environment and len(known) > 1:
        return (
            f"the service has several environments: name one as the {what}'s "
            f'"environment" (there are: {", ".join(known)})'
        )
    return ""


def choose(service: Service, environment: str) -> Service:
    """Return a service with the schedules and rules of an environment alone."""
    if not service.schedules and not service.on_push:
        return service
    here = {"", environment}
    schedules = tuple(each for each in service.schedules if each.environment in here)
    rules = tuple(each for each in service.on_push if each.environment in here)
    return service.model_copy(update={"schedules": schedules, "on_push": rules})
