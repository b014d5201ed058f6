"""Validate `variables` of a config.json, beyond being a JSON Schema."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from app.domain import ecma262, json_schema, patterns, schema_errors, secret_values

#: Maximum number of schemas in the schema of a service's launch variables.
MAX_SCHEMAS = 1_000
_NO_FORMATS = jsonschema.FormatChecker(formats=())
#: Digests of valid schemas, and how many are kept. Each stored deployment has the
#: definition of its service, so the same schemas are read again and again.
_known_valid: set[bytes] = set()
_MOST_KNOWN = 4_096


def require_valid(schema: dict[str, Any]) -> None:
    """Raise ValueError unless it is a JSON Schema that refers only to itself."""
    try:
        digest = _digest(schema)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if digest in _known_valid:
        return
    _require_json_schema(schema)
    _require_own_references(schema)
    if len(_known_valid) >= _MOST_KNOWN:
        _known_valid.clear()
    _known_valid.add(digest)


def _digest(schema: dict[str, Any]) -> bytes:
    """Return a digest that only equal schemas share, numbers' types included."""
    content = repr(schema).encode(errors="surrogatepass")
    return hashlib.blake2b(content, digest_size=32).digest()


def _require_json_schema(schema: dict[str, Any]) -> None:
    try:
        # Formats of the meta-schema are ignored: `regex` would mean Python's syntax.
        jsonschema.Draft202012Validator.check_schema(schema, _NO_FORMATS)
    except jsonschema.SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        said = schema_errors.sentence(error)
        raise ValueError(
            f"is not a JSON Schema: {place}: {said}"
            if place
            else f"is not a JSON Schema: {said}"
        ) from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def problems(schema: Mapping[str, Any], secret: frozenset[str]) -> list[str]:
    """Return the problems that make a schema of launch variables unusable.

    `secret` are the variables whose default must not appear in a message.
    """
    if not schema:
        return []
    found = [*_keywords(schema), *_required(schema)]
    if parts := list(_parts(schema)):
        # Such a schema can't be evaluated, so defaults can't be checked.
        return found + parts
    found += _secret_values(schema)
    try:
        return [*found, *_defaults(schema, secret)]
    except RecursionError:
        return [*found, "the schema refers to itself without end"]
    except json_schema.TooCostly:
        return [*found, "its defaults take too long to check against the schema"]


def _require_own_references(schema: dict[str, Any]) -> None:
    """Raise ValueError for a `$ref` to anything but a part of the schema itself.

    A reference to another document would be fetched while a form is validated.
    """
    resolve = _resolver(schema)
    parts = list(json_schema.subschemas(schema))
    # A value in a default or an enum isn't validated as a schema, so it isn't allowed.
    places = set(map(id, parts))
    for part in parts:
        reference = part.get("$ref", part.get("$dynamicRef"))
        if isinstance(reference, str):
            found = resolve(reference)
            if id(found) not in places and not isinstance(found, bool):
                shown = schema_errors.in_json(reference)
                raise ValueError(
                    f"may only refer to a schema in itself, which {shown} is not"
                )


def find_size_problem(schema: Any) -> str:
    """Return that a schema is too large to be validated; empty if it isn't."""
    count = sum(1 for _ in islice(json_schema.subschemas(schema), MAX_SCHEMAS + 1))
    return f"has more than {MAX_SCHEMAS} schemas in it" if count > MAX_SCHEMAS else ""


def _resolver(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return a function that resolves a reference; it returns None if not found."""
    resource = DRAFT202012.create_resource(schema)
    resolver = Registry().resolver_with_root(resource)

    def resolve(reference: str) -> Any:
        try:
            return resolver.lookup(reference).contents
        except (Unresolvable, ValueError):
            return None

    return resolve


def gives_secrets(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema has values of secrets, as earlier releases accepted."""
    try:
        return bool(secret_values.find(schema, _resolver(schema)))
    except ecma262.Unsupported:
        # Earlier releases accepted such patterns too; a secret's name may match it.
        return True


def _secret_values(schema: Mapping[str, Any]) -> Iterator[str]:
    for place, keyword in secret_values.find(schema, _resolver(schema)):
        where = schema_errors.in_json(place) if place else "the schema"
        yield (
            f"{where} is writeOnly, but everybody who may view the service would see "
            f'its "{keyword}"; remove "{keyword}"'
        )


def _keywords(schema: Mapping[str, Any]) -> Iterator[str]:
    unknown = [k for k in schema if k not in json_schema.KEYWORDS and k[:2] != "x-"]
    for keyword in unknown:
        yield (
            f"{schema_errors.in_json(keyword)} is not a keyword of JSON Schema; name "
            'launch variables under "properties"'
        )
    if not unknown and "properties" not in schema:
        yield 'has no "properties"; name each launch variable there'


def _required(schema: Mapping[str, Any]) -> Iterator[str]:
    dependent = schema.get("dependentRequired", {})
    named = {
        "required": schema.get("required", []),
        "dependentRequired": [*dependent, *chain.from_iterable(dependent.values())],
    }
    for keyword, names in named.items():
        for name in dict.fromkeys(names):
            if name not in schema.get("properties", {}):
                yield (
                    f"{keyword} names {schema_errors.in_json(name)}, which is not "
                    'under "properties"'
                )


def _parts(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the schema that can't be evaluated."""
    for part in json_schema.subschemas(schema):
        for pattern in json_schema.patterns_in(part):
            try:
                patterns.require(pattern)
            except ecma262.Unsupported as error:
                yield f"the pattern {pattern} can't be used: {error}"
        if "$schema" in part and part is not schema:
            yield "$schema may only stand at the top"
        # jsonschema would match the patterns by Python's rules.
        if {"patternProperties", "unevaluatedProperties"} <= part.keys():
            yield "patternProperties and unevaluatedProperties can't be combined"


def _defaults(schema: Mapping[str, Any], secret: frozenset[str]) -> Iterator[str]:
    values = {
        name: part["default"]
        for name, part in schema.get("properties", {}).items()
        if "default" in part
    }
    for error in json_schema.errors(schema, values):
        # Other errors may concern required variables that have no default.
        if error.absolute_path and error.absolute_schema_path[0] == "properties":
            name = str(error.absolute_path[0])
            said = schema_errors.sentence(error)
            yield f"the default of {name} is not accepted" + (
                "" if name in secret else f": {said}"
            )
