"""Describe errors of a JSON Schema with values in JSON syntax.

jsonschema's own messages show values in Python syntax: 'text', True, None.
"""

import json
from collections.abc import Iterable
from typing import Any

from jsonschema import SchemaError, ValidationError

from app.domain import json_schema

#: Maximum number of characters of a value in a message.
_SHOWN = 100
#: Maximum number of examples in a message.
_EXAMPLES = 3

#: Messages by keyword; `{wanted}` is the keyword's value.
_SENTENCES = {
    "anyOf": "{value} is none of what is accepted",
    "const": "{value} is not {wanted}",
    "contains": "{value} does not contain an item that has to be in it",
    "exclusiveMaximum": "{value} is not less than {wanted}",
    "exclusiveMinimum": "{value} is not greater than {wanted}",
    "format": "{value} is not of the format {wanted}",
    "maxContains": "{value} contains too many items of one kind",
    "maxItems": "{value} has more than {wanted} items",
    "maxLength": "{value} is longer than {wanted} characters",
    "maxProperties": "{value} has more than {wanted} properties",
    "maximum": "{value} is greater than the maximum of {wanted}",
    "minContains": "{value} contains too few items of one kind",
    "minItems": "{value} has fewer than {wanted} items",
    "minLength": "{value} is shorter than {wanted} characters",
    "minProperties": "{value} has fewer than {wanted} properties",
    "minimum": "{value} is less than the minimum of {wanted}",
    "multipleOf": "{value} is not a multiple of {wanted}",
    "not": "{value} is not accepted",
    "oneOf": "{value} is not exactly one of what is accepted",
    "unevaluatedItems": "{value} has items that are not accepted",
    "unevaluatedProperties": "{value} has properties that are not accepted",
    "uniqueItems": "{value} has the same item twice",
}


def sentence(error: ValidationError | SchemaError) -> str:
    """Describe an error of a value, without its path."""
    # Any: jsonschema has no types for the values of keywords and documents.
    value: Any = error.instance
    wanted: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "type":
            types = wanted if isinstance(wanted, list) else [wanted]
            return f"{in_json(value)} is not of type {_list(types, ' or ')}"
        case "enum":
            return f"{in_json(value)} is not one of {_list(wanted)}"
        case "pattern":
            return f"{in_json(value)} has the wrong format{_expected(schema)}"
        case "required":
            return _missing(wanted, value)
        case "dependentRequired":
            needed = [n for name in wanted if name in value for n in wanted[name]]
            return _missing(needed, value)
        case "additionalProperties":
            extra = json_schema.additional(schema, value)
            return f"{_list(extra)} is not accepted here"
    form = _SENTENCES.get(str(error.validator), "{value} is not accepted")
    return form.format(value=in_json(value), wanted=in_json(wanted))


def in_json(value: Any) -> str:
    """Serialize a value as JSON and truncate it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _expected(schema: Any) -> str:  # jsonschema has no type for a schema
    """Describe what a schema with a pattern accepts, in its words if it has any."""
    if isinstance(words := schema.get("description"), str) and words.strip():
        return f"; expected: {words.strip()}"
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        return f"; expected a value such as {_list(examples[:_EXAMPLES], ' or ')}"
    return f"; expected text that matches {schema['pattern']}"


def _missing(needed: Iterable[str], value: Any) -> str:
    return f"{_list(dict.fromkeys(n for n in needed if n not in value))} is required"


def _list(values: Iterable[Any], between: str = ", ") -> str:
    return between.join(map(in_json, values))
