"""The schedules of a project's service, of which each environment has its own."""

from collections.abc import Sequence

from app.domain.schedule import Schedule
from app.domain.service import Service


def find_problem(schedule: Schedule, known: Sequence[str]) -> str:
    """Return the problem with the environment of a schedule; empty without one.

    `known` has the environments of the service.
    """
    if schedule.environment and schedule.environment not in known:
        return (
            f'"{schedule.environment}" is not an environment of the service (there '
            f"are: {', '.join(known) or 'none'})"
        )
    if not schedule.environment and len(known) > 1:
        return (
            "the service has several environments: name one as the schedule's "
            f'"environment" (there are: {", ".join(known)})'
        )
    return ""


def choose(service: Service, environment: str) -> Service:
    """Return a service with the schedules of an environment alone."""
    if not service.schedules:
        return service
    chosen = tuple(
        each for each in service.schedules if each.environment in {"", environment}
    )
    return service.model_copy(update={"schedules": chosen})
