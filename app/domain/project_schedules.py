"""What a project's service has in some of its environments only.

These are schedules, the rules for pushes, and who is notified.
"""

from collections.abc import Iterator, Sequence

from app.domain.notify_rules import NotifyRule
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
    for number, notified in enumerate(service.notify):
        if problem := _unknown(notified, known):
            yield ("notify", number), problem


def _problem(each: Schedule | PushRule, what: str, known: Sequence[str]) -> str:
    if problem := _unknown(each, known):
        return problem
    if not each.environment and len(known) > 1:
        return (
            f"the service has several environments: name one as the {what}'s "
            f'"environment" (there are: {", ".join(known)})'
        )
    return ""


def _unknown(each: Schedule | PushRule | NotifyRule, known: Sequence[str]) -> str:
    if not each.environment or each.environment in known:
        return ""
    return (
        f'"{each.environment}" is not an environment of the service (there '
        f"are: {', '.join(known) or 'none'})"
    )


def choose(service: Service, environment: str) -> Service:
    """Return a service with the schedules and rules of an environment alone."""
    if not service.schedules and not service.on_push and not service.notify:
        return service
    here = {"", environment}
    schedules = tuple(each for each in service.schedules if each.environment in here)
    rules = tuple(each for each in service.on_push if each.environment in here)
    notify = tuple(each for each in service.notify if each.environment in here)
    return service.model_copy(
        update={"schedules": schedules, "on_push": rules, "notify": notify}
    )
