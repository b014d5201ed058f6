"""Launch forms: fields from a service's JSON Schema, values from a submitted form."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain import form_values
from app.domain.service import Service
from app.domain.variables import as_text, is_list_of_texts
from app.web import second_entry

#: Prefix of the launch variables among a form's fields.
PREFIX = "var."
#: Prefix of the files among them: the content of a file is the value of a variable.
FILE_PREFIX = "file."
#: Types of inputs by the format of a string; other formats get a text input.
_INPUTS = {"date": "date", "email": "email", "uri": "url"}
#: Formats for a multi-line text; JSON Schema itself defines none.
_LONG = {"textarea", "multiline", "multi-line"}
#: Keywords that a schema has only for a text without line breaks.
_ONE_LINE = frozenset({"format", "maxLength", "pattern"})
#: The number of examples that are shown for a variable.
_EXAMPLES = 3
#: The input formats of kinds, and the keywords of a number without an HTML attribute.
_FORMS = {"lines": "one per line", "structure": "JSON or YAML"}
_MORE = {"exclusiveMinimum": "more than", "exclusiveMaximum": "less than",
         "multipleOf": "a multiple of"}  # fmt: skip
#: The kinds whose value may be empty; an empty date or address means no value.
_EMPTIED = {"text", "area", "lines"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a launch form.

    `kind` is text, date, email, url, password, number, checkbox, select, area (a
    multi-line text), lines (a list of texts), structure (JSON or YAML), secret-area
    (one of these three, masked) or secret-line (a secret that may have several lines).
    `value` is the displayed value, `choices` are a select's values with their labels,
    `unset` labels the choice of no value, and `rules` describes the accepted values.
    """

    name: str
    label: str
    kind: str
    value: str
    help: str = ""
    rules: str = ""
    examples: tuple[str, ...] = ()
    checked: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    unset: str = ""
    required: bool = False
    minimum: str = ""
    maximum: str = ""
    step: str = "any"
    problem: str = ""
    #: Values to choose from, each with its label; others may be typed too.
    suggestions: tuple[tuple[str, str], ...] = ()
    #: The name of an input for a file whose content replaces the text; empty: none.
    file: str = ""
    #: The name of a second input for the same value; empty: none.
    confirm: str = ""
    #: Whether it is rarely set.
    rare: bool = False


def new_key() -> str:
    """Make an idempotency key for a form, so that it launches once if sent twice."""
    return secrets.token_urlsafe(16)


def fields(
    service: Service, sent: Mapping[str, str], problems: Mapping[str, str]
) -> list[Field]:
    """Return the fields of a service's launch form.

    Args:
        service: The service.
        sent: The values of a submitted form, if any. Secrets are not shown again.
        problems: The errors in these values, by name.
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
    """Return the launch variables of an earlier deployment as the form shows them.

    Variables that the service no longer declares, or that are secret now, are left out.
    """
    return {
        name: _shown(schema, variables[name])
        for name, schema in service.properties.items()
        if name in variables and name not in service.secret_names
    }


def values(service: Service, form: Mapping[str, Any]) -> dict[str, str]:
    """Return the launch variables in a submitted form, as texts.

    Browsers don't send an unchecked checkbox, so a missing one is false. An empty field
    means the default, unless an empty text is a valid value of the variable.
    """
    found = {}
    for name, schema in service.properties.items():
        text = form.get(f"{PREFIX}{name}")
        kind = _kind(schema, secret=name in service.secret_names)
        file = form.get(f"{FILE_PREFIX}{name}")
        if isinstance(file, str) and file and _takes_file(schema):
            found[name] = file
        elif kind == "checkbox":
            found[name] = "true" if text else "false"
        elif isinstance(text, str) and (text or _may_be_empty(schema, kind)):
            # Browsers end the lines of a textarea with CRLF.
            found[name] = text.replace("\r\n", "\n")
    # Keep variables that aren't in the schema: validation rejects them by name.
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
        required=required and default is None and not _takes_file(schema),
        file=f"{FILE_PREFIX}{name}" if _takes_file(schema) else "",
        confirm=second_entry.name_of(name, schema),
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
    # A browser removes the line breaks of a text that is pasted into any other field.
    return "password" if shown != "text" or _ONE_LINE & schema.keys() else "secret-line"


def _shown_kind(schema: Mapping[str, Any]) -> str:
    """Return the kind of a field that isn't secret."""
    if "enum" in schema:
        return "select"
    match schema.get("type", "string"):
        case "boolean":
            # A checkbox has two states; an unset variable needs a third.
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
    """Return the values of a select, each with its label."""
    if "enum" in schema:
        texts = map(as_text, schema["enum"])
        return tuple((text, text or "none") for text in texts)
    return (("true", "yes"), ("false", "no")) if schema.get("type") == "boolean" else ()


def _unset(schema: Mapping[str, Any], *, required: bool) -> str:
    """Return the label of a select's choice of no value; empty if there is none."""
    if "default" in schema or "" in schema.get("enum", ()):
        return ""
    return "Choose …" if required else "Not set"


def _is_long(schema: Mapping[str, Any]) -> bool:
    """Return whether a text may have several lines, by its schema or its default."""
    return (
        schema.get("format") in _LONG
        or "contentMediaType" in schema
        or "\n" in str(schema.get("default", ""))
    )


def _takes_file(schema: Mapping[str, Any]) -> bool:
    """Return whether a text is a document, which a browser may send as a file."""
    return "contentMediaType" in schema and _shown_kind(schema) == "area"


def _shown(schema: Mapping[str, Any], value: Any) -> str:
    """Format a value for its field."""
    lines = form_values.as_lines(value) if is_list_of_texts(schema) else None
    return as_text(value) if lines is None else lines


def _examples(schema: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(as_text(one) for one in schema.get("examples", ())[:_EXAMPLES])


def _bounds(schema: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the minimum and the maximum; of exclusive bounds, only for integers."""
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
    """Describe the accepted values, unless the type of the input shows them."""
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
    """Return whether an empty field means an empty value instead of the default."""
    if "enum" in schema:
        return "" in schema["enum"]
    return kind in _EMPTIED and "default" in schema
