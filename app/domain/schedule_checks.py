"""Check the schedules of a service as a launch would be checked."""

from collections.abc import Iterator

from app.domain import variables
from app.domain.healthcheck import is_hidden
from app.domain.schedule import Schedule
from app.domain.service import Service
from app.domain.service_name import split
from app.errors import Invalid, InvalidVariables

_INSTEAD = "Make it a credential of the service instead"


def problems(service: Service) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the problems of a service's schedules, each with its place in the file.

    Those of other environments are left out.
    """
    parts = split(service.name)
    environment = parts.environment if parts else ""
    for number, schedule in enumerate(service.schedules):
        if schedule.environment not in {"", environment}:
            continue
        for key, problem in _problems(service, schedule):
            yield ("schedules", number, key), problem


def _problems(service: Service, schedule: Schedule) -> Iterator[tuple[str, str]]:
    if is_hidden(schedule.healthcheck_url.get_secret_value()):
        yield "healthcheck_url", "must be the whole URL, which is shown nowhere"
    secret = sorted(service.secret_names & set(schedule.variables))
    for name in secret:
        yield "variables", f"{name} is secret: a schedule can't set it. {_INSTEAD}"
    try:
        variables.check(service, schedule.variables)
    except InvalidVariables as error:
        for name, problem in error.problems.items():
            if name in secret:
                continue
            also = f", and secret: no schedule can set it. {_INSTEAD}"
            secrecy = also if name in service.secret_names else ""
            yield "variables", f"{name} {problem}{secrecy}".strip()
    try:
        service.choose_options(schedule.options)
    except Invalid as error:
        yield "options", str(error)
