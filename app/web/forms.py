"""Launch forms: fields from a service's JSON Schema, and values from a sent form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.service import Service
from app.domain.variables import as_text

#: Prefix of the launch variables among a form's fields.
PREFIX = "var."


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a launch form.

    `kind` is text, password, number, checkbox, select or json; `value` is what the
    field shows, `choices` are a select's.
    """

    name: str
    label: str
    help: str
    kind: str
    value: str
    checked: bool
    choices: tuple[str, ...]
    required: bool
    minimum: str
    maximum: str
    step: str
    problem: str


def fields(
    service: Service, sent: Mapping[str, str], problems: Mapping[str, str]
) -> list[Field]:
    """The fields of a service's launch form.

    `sent` is what a person sent before, if anything, and `problems` what was wrong
    with it; a secret is never shown again.
    """
    required = service.variables.get("required", [])
    return [
        _field(
            name,
            schema,
            required=name in required,
            secret=name in service.secret_names,
            sent=sent,
            problem=problems.get(name, ""),
        )
        for name, schema in service.properties.items()
    ]


def values(service: Service, form: Mapping[str, Any]) -> dict[str, str]:
    """The launch variables in a sent form, as texts.

    A checkbox that isn't checked isn't sent, so it is false. An empty field is left
    to its default, unless an empty text is something that the variable can be.
    """
    found = {}
    for name, schema in service.properties.items():
        text = form.get(f"{PREFIX}{name}")
        if _kind(schema) == "checkbox":
            found[name] = "true" if text else "false"
        elif isinstance(text, str) and (text or _may_be_empty(schema)):
            found[name] = text
    # What isn't in the schema is kept, to be refused by name.
    for key, text in form.items():
        name = key.removeprefix(PREFIX)
        if name != key and name not in service.properties and isinstance(text, str):
            found[name] = text
    return found


def _field(
    name: str,
    schema: Mapping[str, Any],
    *,
    required: bool,
    secret: bool,
    sent: Mapping[str, str],
    problem: str,
) -> Field:
    kind = _kind(schema)
    default = schema.get("default")
    value = sent.get(name, "" if default is None else as_text(default))
    return Field(
        name=f"{PREFIX}{name}",
        label=str(schema.get("title") or name),
        help=str(schema.get("description") or ""),
        kind=kind,
        value="" if secret else value,
        checked=value == "true",
        choices=tuple(as_text(choice) for choice in schema.get("enum", ())),
        required=required and default is None,
        minimum=as_text(schema.get("minimum", "")),
        maximum=as_text(schema.get("maximum", "")),
        step="1" if schema.get("type") == "integer" else "any",
        problem=problem,
    )


def _kind(schema: Mapping[str, Any]) -> str:
    if schema.get("writeOnly"):
        return "password"
    if "enum" in schema:
        return "select"
    match schema.get("type", "string"):
        case "boolean":
            return "checkbox"
        case "integer" | "number":
            return "number"
        case "string":
            return "text"
        case _:
            return "json"


def _may_be_empty(schema: Mapping[str, Any]) -> bool:
    if "enum" in schema:
        return "" in schema["enum"]
    plain_text = schema.get("type", "string") == "string" and not schema.get(
        "writeOnly"
    )
    return plain_text and "default" in schema
