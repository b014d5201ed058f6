"""JSON Schema 2020-12 as FastDeploy evaluates it: patterns by RE2, errors as JSON.

jsonschema evaluates patterns with Python's `re`, which differs from ECMA-262 and can
take exponential time. `errors` replaces each keyword that does so.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from app.domain import formats, patterns

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

_Errors = Iterator[ValidationError]


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

    Raises ecma262.Unsupported, and RecursionError for a schema that refers to itself
    without end.
    """
    # By the keyword $schema, jsonschema would choose a class that isn't ours.
    plain = {key: part for key, part in schema.items() if key != "$schema"}
    yield from _VALIDATOR(plain, format_checker=formats.CHECKER).iter_errors(value)


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


_VALIDATOR: Any = extend(  # type: ignore[no-untyped-call]  # so types-jsonschema has it
    Draft202012Validator,
    {
        "additionalProperties": _additional_properties,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
    },
)
