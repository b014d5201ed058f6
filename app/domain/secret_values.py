"""Find values of secret launch variables in a schema, where viewers would see them.

Several schemas can apply to one value, through `$ref`, `allOf`, `anyOf`, `if` and other
keywords. They are evaluated together, as the group of schemas for the value. If one of
them is `writeOnly`, the value is a secret.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.domain import json_schema, patterns

#: Keywords that contain a value or possible values.
GIVING = ("default", "const", "enum", "examples")
#: Keywords whose schemas apply to the same value.
_SAME_VALUE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_ITEMS = ("items", "prefixItems", "contains", "unevaluatedItems")
#: Keywords for the properties that no other keyword names.
_OTHERS = ("additionalProperties", "unevaluatedProperties")
#: The name in a path for list items and for properties that are not named.
_ANY = "*"

#: Resolves a reference to its schema; returns None if it isn't found.
Resolve = Callable[[str], Any]


def find(schema: Mapping[str, Any], resolve: Resolve) -> list[tuple[str, str]]:
    """Find the values of secrets; return pairs of path (`db/password`) and keyword."""
    search = _Search(resolve)
    search.visit([schema], ())
    return list(dict.fromkeys(search.found))


class _Search:
    """A walk over the groups of schemas, starting at the root value."""

    def __init__(self, resolve: Resolve) -> None:
        self.found: list[tuple[str, str]] = []
        self._resolve = resolve
        self._visited: dict[frozenset[int], bool] = {}

    def visit(self, schemas: Iterable[Any], place: tuple[str, ...]) -> bool:
        """Visit the schemas for one value; return whether a part of it is secret."""
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
        """Return these schemas and all others that apply to the same value."""
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
        """Return the keywords that contain a value of a secret or of a part of it."""
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
    """Return the schemas by property, and under _ANY those for others and items."""
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
    """Yield the subschemas of one schema that apply to a property."""
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
    """Return whether a value has this key at any depth.

    _ANY matches every key and every list item that isn't a container.
    """
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
