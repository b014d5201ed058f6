"""Parse a config.json, with a sentence for each error in it."""

from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.domain import schedule_checks, validation_messages, variable_schema
from app.domain.service import Service
from app.errors import Invalid

#: Maximum size of a config.json in bytes.
MAX_BYTES = 256 * 1024


def parse(content: bytes, folder: str | None) -> Service:
    """Read a config.json, whose `name` must be that of its folder if it has one.

    Raises Invalid with a sentence for each error in it.
    """
    if len(content) > MAX_BYTES:
        raise Invalid(f"config.json is longer than {MAX_BYTES} bytes")
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"config.json is not JSON: {error}") from None
    try:
        service = validate(data)
    except ValidationError as error:
        raise Invalid("; ".join(map(explain, error.errors()))) from None
    if folder is not None and service.name != folder:
        raise Invalid(f'name: is "{service.name}", but its folder is "{folder}"')
    if service.project is not None:
        raise Invalid("project: only the sync of a project writes it; remove it")
    if service.refs:
        raise Invalid("refs: only an environment of a project has them; remove it")
    _require_no_project(service)
    return service


def _require_no_project(service: Service) -> None:
    """Raise Invalid if a service has what only the services of projects have."""
    if any(schedule.environment for schedule in service.schedules):
        raise Invalid(
            "schedules: only a project has environments; remove `environment`"
        )
    if any(schedule.ref for schedule in service.schedules):
        raise Invalid("schedules: only a project has a repository; remove `ref`")
    if any(rule.environment for rule in service.notify):
        raise Invalid("notify: only a project has environments; remove `environment`")
    if service.on_push:
        raise Invalid("on_push: only a project has a repository; remove it")


def validate(data: Any) -> Service:  # what JSON or YAML contains
    """Return the service that the content of a config.json defines.

    Raises:
        ValidationError: It isn't valid by the model.
        Invalid: Its `variables` are refused, with a sentence for each problem.
    """
    if isinstance(data, dict):
        # Check the size first, since validating a large JSON Schema takes long.
        too_large = variable_schema.find_size_problem(data.get("variables"))
        if too_large:
            raise Invalid(f"variables: {too_large}")
    service = Service.model_validate(data)
    # Not in the model, which must load stored services that older versions accepted.
    problems = variable_schema.problems(service.variables, service.secret_names)
    if problems:
        raise Invalid("; ".join(f"variables: {problem}" for problem in problems))
    require_schedules(service)
    return service


def require_schedules(service: Service) -> None:
    """Raise ValidationError if a schedule or a rule can't launch a service."""
    found = [
        InitErrorDetails(
            type=PydanticCustomError("schedule", "{problem}", {"problem": problem}),
            loc=place,
            input=None,
        )
        for place, problem in schedule_checks.problems(service)
    ]
    if found:
        raise ValidationError.from_exception_data("schedules", found)


def explain(problem: Any) -> str:  # pydantic's ErrorDetails is a bare TypedDict
    """Return the sentence for an error of pydantic, with the key that it is about."""
    where = ".".join(str(part) for part in problem["loc"])
    what = validation_messages.sentence(problem)
    # A key may contain NUL, which PostgreSQL rejects.
    return (f"{where}: {what}" if where else what).replace("\0", "\\0")
