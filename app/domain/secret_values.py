"""Values of secret launch variables that stand in a schema, where viewers see them.

JSON Schema says of a value in several places: in `$ref`, `allOf`, `anyOf`, `if` and
others besides its own schema. These places are looked at together, as the group of
schemas for one value. If one of them is `writeOnly`, the value is a secret.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.domain import json_schema, patterns

#: Keywords that give a value, or some of those that are possible.
GIVING = ("default", "const", "enum", "examples")
#: Keywords whose schemas are about the same value.
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_ITEMS = ("items", "prefixItems", "contains", "unevaluatedItems")
#: Keywords for the properties that nothing else names.
_OTHERS = ("additionalProperties", "unevaluatedProperties")
#: The place of the items of a list, and of properties that are not named.
_ANY = "*"

#: Finds the schema that a reference leads to; None for one that is no object.
Resolve = Callable[[str], Any]


def find(schema: Mapping[str, Any], resolve: Resolve) -> list[tuple[str, str]]:
    """Find the values of secrets: each place, as `db/password`, with the keyword."""
    search = _Search(resolve)
    search.visit([schema], ())
    return list(dict.fromkeys(search.found))


class _Search:
    """A walk over the groups of schemas, from the value of the whole on."""

    def __init__(self, resolve: Resolve) -> None:
        self.found: list[tuple[str, str]] = []
        self._resolve = resolve
        self._visited: dict[frozenset[int], bool] = {}

    def visit(self, schemas: Iterable[Any], place: tuple[str, ...]) -> bool:
        """Look at the schemas for one value; returns whether a part of it is secret."""
        group = self._same_value(schemas)
        key = frozenset(map(id, group))
        if key in self._visited:
            return self._visited[key]
        self._visited[key] = False
        if any(part.get("writeOnly") is True for part in group):
            self._visited[key] = True
            self.found += [("/".join(place), k) for k in self._giving(group)]
            return True
        secret = {
            name
            for name, inside in _children(group).items()
            if self.visit(inside, (*place, name))
        }
        self._visited[key] = bool(secret)
        self.found += [
            ("/".join((*place, name)), keyword)
            for part in group
            for keyword in GIVING
            for name in sorted(secret)
            if keyword in part and _mentions(part[keyword], name)
        ]
        return bool(secret)

    def _same_value(self, schemas: Iterable[Any]) -> list[dict[str, Any]]:
        """These schemas, and all others that are about the same value."""
        found: dict[int, dict[str, Any]] = {}
        pending = list(schemas)
        while pending:
            part = pending.pop()
            if isinstance(part, list):
                pending.extend(part)
            elif isinstance(part, dict) and id(part) not in found:
                found[id(part)] = part
                pending += [part[k] for k in _SAME_VALUE if k in part]
                pending += list(part.get("dependentSchemas", {}).values())
                pending += self._references(part)
        return list(found.values())

    def _references(self, part: Mapping[str, Any]) -> Iterator[Any]:
        for keyword in ("$ref", "$dynamicRef"):
            if isinstance(part.get(keyword), str):
                yield self._resolve(part[keyword])

    def _giving(self, group: list[dict[str, Any]]) -> list[str]:
        """The keywords that give a value in a secret, or in a part of it."""
        found: dict[int, dict[str, Any]] = {}
        pending: list[dict[str, Any]] = list(group)
        while pending:
            for part in json_schema.subschemas(pending.pop()):
                if id(part) not in found:
                    found[id(part)] = part
                    pending += [r for r in self._references(part)
                                if isinstance(r, dict)]  # fmt: skip
        return [k for k in GIVING if any(k in part for part in found.values())]


def _children(group: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The schemas for each property, and under _ANY those for all others and items."""
    parts = list(group)
    children: dict[str, list[Any]] = {
        name: [] for part in parts for name in part.get("properties", {})
    }
    children[_ANY] = []
    for part in parts:
        for keyword in (*_ITEMS, *_OTHERS):
            children[_ANY].append(part.get(keyword))
        children[_ANY] += part.get("patternProperties", {}).values()
        for name in children.keys() - {_ANY}:
            children[name] += _of_property(part, name)
    return children


def _of_property(part: Mapping[str, Any], name: str) -> Iterator[Any]:
    """What one schema says of a property."""
    named = part.get("properties", {})
    matching = [
        schema
        for pattern, schema in part.get("patternProperties", {}).items()
        if patterns.matches(pattern, name)
    ]
    if name in named:
        yield named[name]
    yield from matching
    if name not in named and not matching:
        yield from (part[keyword] for keyword in _OTHERS if keyword in part)


def _mentions(value: Any, name: str) -> bool:
    """Whether a value has something under a name, however deep; _ANY is any name."""
    pending = [value]
    while pending:
        match pending.pop():
            case dict() as found:
                if name in found or (name == _ANY and found):
                    return True
                pending.extend(found.values())
            case list() as found:
                if name == _ANY and any(not isinstance(v, dict | list) for v in found):
                    return True
                pending.extend(found)
    return False
