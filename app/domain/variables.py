"""Launch variables: parse and validate the values that a user enters."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import jsonschema
import orjson

from app.domain import ecma262, form_values, json_schema, schema_errors
from app.domain.service import Service
from app.errors import InvalidVariables
from app.runner import extra_vars

#: Maximum size of all launch variables of one deployment, as JSON in bytes.
MAX_SIZE = 256 * 1024

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
#: Maximum number of reported problems per variable; a list may have thousands.
_MAX_MESSAGES = 5
#: Maximum number of described problems: describing takes longer than finding.
_LOOKED_AT = 1000


def check(service: Service, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a launch: `given` over the schema's defaults.

    Raises InvalidVariables, which has the problems of each variable, without the values
    of secrets. A variable that the schema does not name is rejected, even if the schema
    allows additional properties: a launch variable overrides everything in Ansible,
    including `ansible_connection`.
    """
    unknown = sorted(set(given) - set(service.properties))
    if unknown:
        known = ", ".join(sorted(service.properties)) or "none"
        problem = f"is not a variable of {service.name} (known: {known})"
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
                messages = problems.setdefault(name, [])
                if problem not in messages and len(messages) < _MAX_MESSAGES:
                    messages.append(problem)
    except json_schema.TooCostly:
        problems = {"": ["there is too much in them to check; launch with less"]}
    except RecursionError:
        problems = {"": ["the service's schema refers to itself without end"]}
    except ecma262.Unsupported as error:
        # Only schemas stored by earlier releases can have such patterns.
        problems = {"": [f"a pattern of the service can't be used: {error}"]}
    if problems:
        raise InvalidVariables({name: "; ".join(p) for name, p in problems.items()})
    return values


def require_json(values: Mapping[str, Any]) -> None:
    """Raise InvalidVariables unless the values are JSON of at most MAX_SIZE bytes."""
    size = 0
    problems = {}
    for name, value in values.items():
        try:
            content = orjson.dumps(value)
            # orjson converts NaN and infinity to null.
            same = orjson.loads(content) == value
        except TypeError:
            same = False
        if same:
            size += len(content)
        else:
            problems[name] = (
                "has a number that JSON can't keep: NaN, infinity, or an integer "
                "of more than 64 bits; write it in quotes"
            )
    if size > MAX_SIZE:
        problems[""] = f"together they exceed {MAX_SIZE} bytes"
    if problems:
        raise InvalidVariables(problems)


def _require_exact(values: Mapping[str, Any]) -> None:
    """Raise InvalidVariables for a value that Ansible would parse as another value."""
    found = {name: extra_vars.find_problem(value) for name, value in values.items()}
    if problems := {name: problem for name, problem in found.items() if problem}:
        raise InvalidVariables(problems)


def defaults(service: Service) -> dict[str, Any]:
    """Return the defaults of the schema."""
    return {
        name: schema["default"]
        for name, schema in service.properties.items()
        if "default" in schema
    }


def from_text(service: Service, given: Mapping[str, str]) -> dict[str, Any]:
    """Convert the texts of a form or of `-e key=value` to the schema's types.

    A text that can't be converted stays a text, and `check` then rejects it.
    """
    return convert(service.properties, given)


def convert(properties: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Convert texts by the properties of a schema, as `from_text` does."""
    return {
        name: _from_text(properties.get(name, {}), text) for name, text in given.items()
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
            # JSON has neither NaN nor infinity.
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
    """Return whether a parsed number must be a text according to the schema's type."""
    numbers = {"integer", "number", "boolean"}
    return (
        isinstance(found, int | float)
        and isinstance(kinds, list)
        and "string" in kinds
        and not numbers & set(kinds)
    )


def is_list_of_texts(schema: Mapping[str, Any]) -> bool:
    """Return whether a variable is a list of texts, so a form has a line for each."""
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
    """Return the problems by variable name, with the name "" if several are affected.

    The problem of a part of a variable begins with its path: `0/name` in `hosts`.
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
        # The message would quote all values, including secrets.
        return {"": "the variables don't fit the service's schema together"}
    return {"": schema_errors.sentence(error)}


def as_text(value: Any) -> str:
    """Format a value for a form: a text unchanged, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def split_secrets(
    service: Service, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the values into public and secret ones."""
    secret = service.secret_names
    return (
        {name: value for name, value in values.items() if name not in secret},
        {name: value for name, value in values.items() if name in secret},
    )
