"""JSON Schema 2020-12 as FastDeploy evaluates it: patterns by RE2, errors as JSON.

jsonschema evaluates patterns with Python's `re`, which differs from ECMA-262 and can
take exponential time, and compares each item of a `uniqueItems` list with each other.
`errors` replaces the keywords that do so, and counts how much each of them has to do.
"""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import orjson
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from app.domain import json_schema_formats, patterns

#: Keywords whose value is a schema for each of some names.
_BY_NAME = frozenset(
    {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}
)
#: Keywords whose value is data, not a schema.
_DATA = frozenset({"const", "default", "enum", "examples"})
#: Every keyword of the vocabularies of 2020-12, and those kept from earlier drafts.
KEYWORDS = _BY_NAME | _DATA | frozenset({
    "$anchor", "$comment", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema",
    "$vocabulary", "additionalProperties", "allOf", "anyOf", "contains",
    "contentEncoding", "contentMediaType", "contentSchema", "dependentRequired",
    "deprecated", "description", "else", "exclusiveMaximum", "exclusiveMinimum",
    "format", "if", "items", "maxContains", "maxItems", "maxLength", "maxProperties",
    "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum",
    "multipleOf", "not", "oneOf", "pattern", "prefixItems", "propertyNames",
    "readOnly", "required", "then", "title", "type", "unevaluatedItems",
    "unevaluatedProperties", "uniqueItems", "writeOnly",
})  # fmt: skip

#: What one evaluation may cost: a keyword for a value costs 1, and each value and each
#: item that it compares. About a second of work.
MAX_COST = 300_000

_Errors = Iterator[ValidationError]
_Keyword = Callable[[Any, Any, Any, Any], _Errors | None]


class TooCostly(Exception):
    """An evaluation costs more than MAX_COST."""


#: What is left of MAX_COST for the evaluation that goes on.
_left: ContextVar[list[int]] = ContextVar("left")


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object that is a schema in a schema, itself first."""
    pending = [schema]
    while pending:
        match pending.pop():
            case dict() as found:
                yield found
                for keyword, value in found.items():
                    if keyword in _BY_NAME and isinstance(value, dict):
                        pending.extend(value.values())
                    elif keyword not in _DATA:
                        pending.append(value)
            case list() as found:
                pending.extend(found)


def patterns_in(schema: Mapping[str, Any]) -> Iterator[str]:
    """Every pattern that one schema has, those of its subschemas left out."""
    if isinstance(schema.get("pattern"), str):
        yield schema["pattern"]
    if isinstance(schema.get("patternProperties"), dict):
        yield from schema["patternProperties"]


def errors(schema: Mapping[str, Any], value: Any) -> _Errors:
    """Everything in a value that a schema refuses.

    Raises ecma262.Unsupported, TooCostly, and RecursionError for a schema that refers
    to itself without end. Only one evaluation at a time may go on in a context.
    """
    _left.set([MAX_COST])
    # By the keyword $schema, jsonschema would choose a class that isn't ours.
    plain = {key: part for key, part in schema.items() if key != "$schema"}
    yield from _VALIDATOR(
        plain, format_checker=json_schema_formats.CHECKER
    ).iter_errors(value)


def _pattern(validator: Validator, wanted: str, text: Any, _: Any) -> _Errors:
    if validator.is_type(text, "string") and not patterns.matches(wanted, text):
        yield ValidationError("does not match")


def _pattern_properties(
    validator: Any, wanted: Mapping[str, Any], value: Any, _: Any
) -> _Errors:
    if not validator.is_type(value, "object"):
        return
    for pattern, schema in wanted.items():
        for name, item in value.items():
            if patterns.matches(pattern, name):
                yield from validator.descend(
                    item, schema, path=name, schema_path=pattern
                )


def _additional_properties(
    validator: Any, wanted: Any, value: Any, schema: Mapping[str, Any]
) -> _Errors:
    if not validator.is_type(value, "object"):
        return
    extra = additional(schema, value)
    if isinstance(wanted, dict):
        for name in extra:
            yield from validator.descend(value[name], wanted, path=name)
    elif not wanted and extra:
        yield ValidationError("has additional properties")


def additional(schema: Mapping[str, Any], value: Mapping[str, Any]) -> list[str]:
    """The names in a value that neither properties nor patternProperties cover."""
    known = schema.get("properties", {})
    by_pattern = schema.get("patternProperties", {})
    return [
        name
        for name in value
        if name not in known and not any(patterns.matches(p, name) for p in by_pattern)
    ]


def _unique_items(validator: Validator, wanted: Any, value: Any, _: Any) -> _Errors:
    if wanted and validator.is_type(value, "array"):
        seen = {
            orjson.dumps(_plain(item), option=orjson.OPT_SORT_KEYS) for item in value
        }
        if len(seen) < len(value):
            yield ValidationError("has the same item twice")


def _plain(value: Any) -> Any:
    """A value with its numbers written alike: for JSON Schema, 1.0 is 1."""
    match value:
        case float() if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
    return value


def _counted(keyword: str, evaluate: _Keyword) -> _Keyword:
    """Let a keyword's evaluation count towards MAX_COST."""

    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
        left = _left.get()
        left[0] -= _cost(keyword, wanted, value)
        if left[0] < 0:
            raise TooCostly
        return evaluate(validator, wanted, value, schema)

    return counted


def _cost(keyword: str, wanted: Any, value: Any) -> int:
    match keyword, value:
        case "$ref" | "$dynamicRef", _:
            # Finding the schema takes about ten times as long as evaluating another.
            return 10
        case "enum", _:
            return 1 + len(wanted)
        case "patternProperties", dict():
            return 1 + len(wanted) * len(value)
        case "unevaluatedItems", list():
            # jsonschema looks for each item in a list of those that it has evaluated.
            return 1 + len(value) ** 2 // 100
        case "const" | "uniqueItems" | "unevaluatedProperties", _:
            return 1 + _size(value)
    return 1


def _size(value: Any) -> int:
    """How many values there are in a value, itself included."""
    size, pending = 0, [value]
    while pending:
        size += 1
        match pending.pop():
            case dict() as found:
                pending.extend(found.values())
            case list() as found:
                pending.extend(found)
    return size


#: Below, a float has every whole number, and orjson writes it as an integer.
_EXACT = 2.0**53
_KEYWORDS: dict[str, _Keyword] = {
    **Draft202012Validator.VALIDATORS,
    "additionalProperties": _additional_properties,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}
_VALIDATOR: Any = extend(  # type: ignore[no-untyped-call]  # so types-jsonschema has it
    Draft202012Validator,
    {name: _counted(name, keyword) for name, keyword in _KEYWORDS.items()},
)
