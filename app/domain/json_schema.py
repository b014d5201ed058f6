"""Evaluate JSON Schema 2020-12 with RE2 for patterns and a limit on the cost.

jsonschema evaluates patterns with Python's `re`, which differs from ECMA-262 and can
take exponential time, and compares each item of a `uniqueItems` list with each other.
`errors` replaces these keywords, and counts the cost of every keyword.
"""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import orjson
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from app.domain import json_schema_formats, patterns

#: Keywords whose value maps names to schemas.
_BY_NAME = frozenset(
    {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}
)
#: Keywords whose value is data, not a schema.
_DATA = frozenset({"const", "default", "enum", "examples"})
#: The keywords of the vocabularies of 2020-12, and those kept from earlier drafts.
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

#: Maximum cost of one evaluation: 1 for each keyword of each value, plus 1 for each
#: value or item that the keyword compares. This is about one second of CPU time.
MAX_COST = 300_000

_Errors = Iterator[ValidationError]
_Keyword = Callable[[Any, Any, Any, Any], _Errors | None]


class TooCostly(Exception):
    """An evaluation costs more than MAX_COST."""


#: The rest of MAX_COST for the current evaluation.
_left: ContextVar[list[int]] = ContextVar("left")


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all of its subschemas that are objects."""
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
    """Yield the patterns of one schema, without those of its subschemas."""
    if isinstance(schema.get("pattern"), str):
        yield schema["pattern"]
    if isinstance(schema.get("patternProperties"), dict):
        yield from schema["patternProperties"]


def errors(schema: Mapping[str, Any], value: Any) -> _Errors:
    """Yield the errors of a value against a schema.

    Raises ecma262.Unsupported, TooCostly, and RecursionError for a schema with an
    infinite reference loop. A context can run only one evaluation at a time.
    """
    _left.set([MAX_COST])
    # With the keyword $schema, jsonschema would choose a validator class of its own.
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
    """Return the names in a value that are additional properties."""
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
    """Normalize the numbers in a value: for JSON Schema, 1.0 equals 1."""
    match value:
        case float() if value.is_integer() and abs(value) < _EXACT:
            return int(value)
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
    return value


def _counted(keyword: str, evaluate: _Keyword) -> _Keyword:
    """Wrap a keyword's evaluation so that it counts towards MAX_COST."""

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
            # Resolving a reference takes about ten times as long as another keyword.
            return 10
        case "enum", _:
            return 1 + len(wanted)
        case "patternProperties", dict():
            return 1 + len(wanted) * len(value)
        case "unevaluatedItems", list():
            # jsonschema searches a list of the evaluated items for each item.
            return 1 + len(value) ** 2 // 100
        case "const" | "uniqueItems" | "unevaluatedProperties", _:
            return 1 + _size(value)
    return 1


def _size(value: Any) -> int:
    """Count the values in a value, including itself."""
    size, pending = 0, [value]
    while pending:
        size += 1
        match pending.pop():
            case dict() as found:
                pending.extend(found.values())
            case list() as found:
                pending.extend(found)
    return size


#: Below this, a float represents every integer exactly, and orjson can serialize it.
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
