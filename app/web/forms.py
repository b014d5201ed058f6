"""Launch forms: fields from a service's JSON Schema, and values from a sent form."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain import form_values
from app.domain.service import Service
from app.domain.variables import as_text, is_list_of_texts

#: Prefix of the launch variables among a form's fields.
PREFIX = "var."
#: Kinds of inputs by the format of a text; the others have no input of their own.
_INPUTS = {"date": "date", "email": "email", "uri": "url"}
#: Formats that stand for a text of several lines; JSON Schema itself knows none.
_LONG = {"textarea", "multiline", "multi-line"}
#: What a schema says only of a text without line breaks.
_ONE_LINE = frozenset({"format", "maxLength", "pattern"})
#: Examples that are shown of a variable.
_EXAMPLES = 3
#: How kinds are written, and what of a number has no attribute.
_FORMS = {"lines": "one per line", "structure": "JSON or YAML"}
_MORE = {"exclusiveMinimum": "more than", "exclusiveMaximum": "less than",
         "multipleOf": "a multiple of"}  # fmt: skip
#: What can be emptied; an empty date or address is none.
_EMPTIED = {"text", "area", "lines"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a launch form.

    `kind` is text, date, email, url, password, number, checkbox, select, area (a long
    text), lines (a list of texts), structure (JSON or YAML), secret-area (one of these
    three, masked) or secret-line (a secret that may have lines); `value` is what the
    field shows, `choices` are a select's values with their labels, `unset` labels the
    choice of none, and `rules` says in words what is accepted.
    """

    name: str
    label: str
    help: str
    rules: str
    examples: tuple[str, ...]
    kind: str
    value: str
    checked: bool
    choices: tuple[tuple[str, str], ...]
    unset: str
    required: bool
    minimum: str
    maximum: str
    step: str
    problem: str


def new_key() -> str:
    """Make the idempotency key that a form carries: sent twice, it launches once."""
    return secrets.token_urlsafe(16)


def key_in(form: Mapping[str, Any]) -> str | None:
    """The idempotency key of a sent form; None without one."""
    return str(form.get("idempotency_key", "")) or None


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


def recorded(service: Service, variables: Mapping[str, Any]) -> dict[str, str]:
    """The launch variables of an earlier deployment, as the form's fields show them.

    One that the service doesn't have any more, or that is a secret now, is left out.
    """
    return {
        name: _shown(schema, variables[name])
        for name, schema in service.properties.items()
        if name in variables and name not in service.secret_names
    }


def values(service: Service, form: Mapping[str, Any]) -> dict[str, str]:
    """The launch variables in a sent form, as texts.

    A checkbox that isn't checked isn't sent, so it is false. An empty field is left
    to its default, unless an empty text is something that the variable can be.
    """
    found = {}
    for name, schema in service.properties.items():
        text = form.get(f"{PREFIX}{name}")
        kind = _kind(schema, secret=name in service.secret_names)
        if kind == "checkbox":
            found[name] = "true" if text else "false"
        elif isinstance(text, str) and (text or _may_be_empty(schema, kind)):
            # Browsers send the lines of a textarea with carriage returns.
            found[name] = text.replace("\r\n", "\n")
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
    default = schema.get("default")
    value = sent.get(name, "" if default is None else _shown(schema, default))
    minimum, maximum = _bounds(schema)
    choices = _choices(schema)
    return Field(
        name=f"{PREFIX}{name}",
        label=str(schema.get("title") or name),
        help=str(schema.get("description") or ""),
        rules=_rules(schema),
        examples=() if secret else _examples(schema),
        kind=_kind(schema, secret=secret),
        value="" if secret else value,
        checked=value == "true",
        choices=choices,
        unset=_unset(schema, required=required) if choices else "",
        required=required and default is None,
        minimum="" if minimum is None else as_text(minimum),
        maximum="" if maximum is None else as_text(maximum),
        step="1" if _is_whole(schema) else "any",
        problem=problem,
    )


def _kind(schema: Mapping[str, Any], *, secret: bool) -> str:
    shown = _shown_kind(schema)
    if not secret:
        return shown
    if shown in {"area", "lines", "structure"}:
        return "secret-area"
    # A browser takes the line breaks out of what is pasted into any other field.
    return "password" if shown != "text" or _ONE_LINE & schema.keys() else "secret-line"


def _shown_kind(schema: Mapping[str, Any]) -> str:
    """The kind of a field that shows its value."""
    if "enum" in schema:
        return "select"
    match schema.get("type", "string"):
        case "boolean":
            # A box has two states; that of an unset variable needs a third.
            return "checkbox" if "default" in schema else "select"
        case "integer" | "number":
            return "number"
        case "string" if _is_long(schema):
            return "area"
        case "string":
            return _INPUTS.get(str(schema.get("format")), "text")
        case _ if is_list_of_texts(schema):
            return "lines"
        case _:
            return "structure"


def _choices(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The values of a select, each with its label."""
    if "enum" in schema:
        texts = map(as_text, schema["enum"])
        return tuple((text, text or "none") for text in texts)
    return (("true", "yes"), ("false", "no")) if schema.get("type") == "boolean" else ()


def _unset(schema: Mapping[str, Any], *, required: bool) -> str:
    """The label of a select's choice of none; empty if something is always chosen."""
    if "default" in schema or "" in schema.get("enum", ()):
        return ""
    return "Choose …" if required else "Not set"


def _is_long(schema: Mapping[str, Any]) -> bool:
    """Whether a text may have lines: its schema says so, or its default has some."""
    return (
        schema.get("format") in _LONG
        or "contentMediaType" in schema
        or "\n" in str(schema.get("default", ""))
    )


def _shown(schema: Mapping[str, Any], value: Any) -> str:
    """A value as its field shows it."""
    lines = form_values.as_lines(value) if is_list_of_texts(schema) else None
    return as_text(value) if lines is None else lines


def _examples(schema: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(as_text(one) for one in schema.get("examples", ())[:_EXAMPLES])


def _bounds(schema: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The least and the greatest number; of bounds that are excluded, a whole one's."""
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    if _is_whole(schema):
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if minimum is None and isinstance(above, int):
            minimum = above + 1
        if maximum is None and isinstance(below, int):
            maximum = below - 1
    return minimum, maximum


def _is_whole(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "integer"


def _rules(schema: Mapping[str, Any]) -> str:
    """What a variable accepts, in words, as far as its field doesn't show it."""
    kind = _shown_kind(schema)
    said = [_FORMS[kind]] if kind in _FORMS else []
    if kind == "number":
        minimum, maximum = _bounds(schema)
        said += _between(minimum, maximum, "")
        said += [
            f"{word} {as_text(schema[key])}"
            for key, word in _MORE.items()
            if key in schema and (key == "multipleOf" or not _is_whole(schema))
        ]
    elif kind == "lines":
        said += _between(schema.get("minItems"), schema.get("maxItems"), " lines")
        choices = schema["items"].get("enum", ())
        if choices:
            said.append(f"each one of {', '.join(map(as_text, choices))}")
    elif schema.get("type", "string") == "string" and kind != "select":
        least, most = schema.get("minLength"), schema.get("maxLength")
        said += _between(least if least != 1 else None, most, " characters")
    words = ", ".join(said)
    return words[:1].upper() + words[1:] + "." if words else ""


def _between(least: float | None, most: float | None, unit: str) -> list[str]:
    if least is not None and most is not None:
        return [f"{as_text(least)} to {as_text(most)}{unit}"]
    if least is not None:
        return [f"at least {as_text(least)}{unit.rstrip('s') if least == 1 else unit}"]
    if most is not None:
        return [f"at most {as_text(most)}{unit.rstrip('s') if most == 1 else unit}"]
    return []


def _may_be_empty(schema: Mapping[str, Any], kind: str) -> bool:
    """Whether an empty field says something: what it had is to be gone."""
    if "enum" in schema:
        return "" in schema["enum"]
    return kind in _EMPTIED and "default" in schema
