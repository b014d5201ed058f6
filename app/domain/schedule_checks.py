"""Check the schedules and rules of a service as a launch would be checked."""

from collections.abc import Iterator, Mapping

from app.domain import variables
from app.domain.healthcheck import is_hidden
from app.domain.push import PushRule
from app.domain.schedule import Schedule
from app.domain.service import Service
from app.domain.service_name import split
from app.errors import Invalid, InvalidVariables

_INSTEAD = "Make it a credential of the service instead"
#: What launches the service: a noun for sentences.
_NOUNS = {"schedules": "schedule", "on_push": "push"}


def problems(service: Service) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the problems of schedules and rules, each with its place in the file.

    Those of other environments are left out.
    """
    parts = split(service.name)
    environment = parts.environment if parts else ""
    each: Schedule | PushRule
    for kind, noun in _NOUNS.items():
        for number, each in enumerate(getattr(service, kind)):
            if each.environment not in {"", environment}:
                continue
            for key, problem in _problems(service, each, noun):
                yield (kind, number, key), problem


def _problems(
    service: Service, each: Schedule | PushRule, noun: str
) -> Iterator[tuple[str, str]]:
    if isinstance(each, Schedule) and is_hidden(
        each.healthcheck_url.get_secret_value()
    ):
        yield "healthcheck_url", "must be the whole URL, which is shown nowhere"
    pushed = each.from_push if isinstance(each, PushRule) else {}
    yield from _of_pushed(service, pushed)
    secret = sorted(service.secret_names & set(each.variables))
    for name in secret:
        yield "variables", f"{name} is secret: a {noun} can't set it. {_INSTEAD}"
    try:
        variables.check(service, each.variables)
    except InvalidVariables as error:
        for name, problem in error.problems.items():
            if name in secret or name in pushed:
                continue
            also = f", and secret: no {noun} can set it. {_INSTEAD}"
            secrecy = also if name in service.secret_names else ""
            yield "variables", f"{name} {problem}{secrecy}".strip()
    try:
        service.choose_options(each.options)
    except Invalid as error:
        yield "options", str(error)


def _of_pushed(
    service: Service, pushed: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for name in pushed:
        if name in service.secret_names:
            yield "from_push", f"{name} is secret: a push can't set it. {_INSTEAD}"
        elif name not in service.properties:
            yield "from_push", f"{name} is not a variable of the service: declare it"
