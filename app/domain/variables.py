"""Launch variables: from what a person typed to values that the service accepts."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import jsonschema
import orjson

from app.domain import ecma262, form_values, json_schema, schema_errors
from app.domain.service import Service
from app.errors import InvalidVariables
from app.runner import extra_vars

#: All launch variables of one deployment together, as JSON, in bytes.
MAX_SIZE = 256 * 1024

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
#: Problems that are told of one variable; a list may have thousands of the same.
_TOLD = 5
#: Problems that are looked at: each is described, which takes longer than finding it.
_LOOKED_AT = 1000


def check(service: Service, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a launch: `given` over the schema's defaults.

    Raises InvalidVariables, which names each variable and what is wrong with it; the
    value is not repeated where the variable is a secret. A variable that the schema
    does not name is refused, whatever the schema says of additional properties: a
    launch variable overrides everything in Ansible, `ansible_connection` too.
    """
    unknown = sorted(set(given) - set(service.properties))
    if unknown:
        known = ", ".join(sorted(service.properties)) or "none"
        problem = f"is no variable of {service.name} (known: {known})"
        raise InvalidVariables(dict.fromkeys(unknown, problem))
    values = defaults(service) | dict(given)
    require_json(values)
    if service.playbook:
        _require_exact(values)
    problems: dict[str, list[str]] = {}
    try:
        secret = service.secret_names
        found = json_schema.errors(service.variables, values)
        for error in islice(found, _LOOKED_AT):
            for name, problem in _explain(service, secret, error, values).items():
                told = problems.setdefault(name, [])
                if problem not in told and len(told) < _TOLD:
                    told.append(problem)
    except json_schema.TooCostly:
        problems = {"": ["there is too much in them to check; launch with less"]}
    except RecursionError:
        problems = {"": ["the service's schema refers to itself without end"]}
    except ecma262.Unsupported as error:
        # Only in what was stored before such patterns were refused.
        problems = {"": [f"a pattern of the service can't be used: {error}"]}
    if problems:
        raise InvalidVariables({name: "; ".join(p) for name, p in problems.items()})
    return values


def require_json(values: Mapping[str, Any]) -> None:
    """Raise InvalidVariables unless JSON can hold the values, within MAX_SIZE."""
    size = 0
    problems = {}
    for name, value in values.items():
        try:
            content = orjson.dumps(value)
            # Of what is no number, orjson would make null.
            same = orjson.loads(content) == value
        except TypeError:
            same = False
        if same:
            size += len(content)
        else:
            problems[name] = "is nothing that JSON can hold"
    if size > MAX_SIZE:
        problems[""] = f"together they exceed {MAX_SIZE} bytes"
    if problems:
        raise InvalidVariables(problems)


def _require_exact(values: Mapping[str, Any]) -> None:
    """Raise InvalidVariables for a value that Ansible would read as another one."""
    found = {name: extra_vars.find_problem(value) for name, value in values.items()}
    if problems := {name: problem for name, problem in found.items() if problem}:
        raise InvalidVariables(problems)


def defaults(service: Service) -> dict[str, Any]:
    """The values that the schema gives where nothing is said."""
    return {
        name: schema["default"]
        for name, schema in service.properties.items()
        if "default" in schema
    }


def from_text(service: Service, given: Mapping[str, str]) -> dict[str, Any]:
    """Turn the texts of a form or of `-e key=value` into values of the schema's types.

    What can't be turned stays a text, and `check` then says what is wrong with it.
    """
    return {
        name: _from_text(service.properties.get(name, {}), text)
        for name, text in given.items()
    }


def _from_text(schema: Mapping[str, Any], text: str) -> Any:
    for choice in schema.get("enum", ()):
        if as_text(choice) == text:
            return choice
    kind = schema.get("type", "string")
    match kind:
        case "string":
            return text
        case "boolean":
            word = text.strip().lower()
            return True if word in _TRUE else False if word in _FALSE else text
        case "integer" | "number":
            try:
                number = float(text) if kind == "number" else int(text)
            except ValueError:
                return text
            # JSON knows neither nan nor infinity.
            return number if abs(number) < float("inf") else text
        case _ if is_list_of_texts(schema):
            return form_values.texts(text)
        case _:
            try:
                found = form_values.structure(text)
            except ValueError:
                return text
            return text if _meant_as_text(kind, found) else found


def _meant_as_text(kinds: Any, found: Any) -> bool:
    """Whether what could be a number can only be a text, as the schema has it."""
    numbers = {"integer", "number", "boolean"}
    return (
        isinstance(found, int | float)
        and isinstance(kinds, list)
        and "string" in kinds
        and not numbers & set(kinds)
    )


def is_list_of_texts(schema: Mapping[str, Any]) -> bool:
    """Whether each item of a variable is a text, so that each can have a line."""
    items = schema.get("items")
    return (
        schema.get("type") == "array"
        and "prefixItems" not in schema
        and isinstance(items, dict)
        and items.get("type") == "string"
    )


def _explain(
    service: Service,
    secret: frozenset[str],
    error: jsonschema.ValidationError,
    values: Mapping[str, Any],
) -> dict[str, str]:
    """What is wrong, by the name of the variable; "" where it is about several.

    Inside of a variable it begins with the place: `hosts/0/name` is `0/name` of hosts.
    """
    if error.absolute_path:
        name, *inside = map(str, error.absolute_path)
        if name in secret:
            return {name: "is not what this variable accepts"}
        place = "/".join(inside)
        problem = schema_errors.sentence(error)
        return {name: f"{place}: {problem}" if place else problem}
    if error.validator == "required":
        required: list[str] = service.variables.get("required", [])
        missing = [name for name in required if name not in values]
        return dict.fromkeys(missing, "is required")
    if secret:
        # The message would quote all the values, the secret ones too.
        return {"": "the variables don't fit the service's schema together"}
    return {"": schema_errors.sentence(error)}


def as_text(value: Any) -> str:
    """A value as a form shows it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def split_secrets(
    service: Service, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the values into those that may be shown and those that are secret."""
    secret = service.secret_names
    return (
        {name: value for name, value in values.items() if name not in secret},
        {name: value for name, value in values.items() if name in secret},
    )
